//! The properties of a captured event: texts under names, each name once, as a JSON object.
//! What they tell is read by `browser/`; properties of the site's own events come as JSON already.

use super::text::Object;
use footfall_event_model::Json;

/// The most code points of a label.
const LABEL_CHARS: usize = 64;

/// Names and texts, in order.
#[derive(Debug)]
pub struct Properties {
    names: Vec<String>,
    object: Object,
}

impl Default for Properties {
    fn default() -> Self {
        Self { names: Vec::new(), object: Object::new() }
    }
}

impl Properties {
    /// Adds a property, unless the name is taken: what comes first stays.
    pub fn add(&mut self, name: &str, text: Option<String>) {
        if text.is_some() && !self.names.iter().any(|taken| taken == name) {
            self.object.text(name, text.as_deref());
            self.names.push(name.to_owned());
        }
    }

    /// The JSON object.
    pub fn into_json(self) -> Option<Json> {
        Json::parse(self.object.end()).ok()
    }
}

/// A label as people read it: white space joined, at most 64 code points; nothing where it says nothing.
pub fn label(text: &str) -> Option<String> {
    let (mut label, mut chars, mut gap) = (String::new(), 0, false);
    for char in text.chars() {
        if char <= ' ' || char == '\u{a0}' {
            gap = chars > 0;
            continue;
        }
        if chars + usize::from(gap) >= LABEL_CHARS {
            break;
        }
        if gap {
            label.push(' ');
            chars += 1;
            gap = false;
        }
        label.push(char);
        chars += 1;
    }
    (chars > 0).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_texts_are_escaped() {
        let mut properties = Properties::default();
        properties.add("post_id", Some("42".into()));
        properties.add("text", Some("say \"hi\"\n😀".into()));
        properties.add("post_id", Some("other".into()));
        properties.add("href", None);
        let json = properties.into_json().unwrap();
        assert_eq!(json.text(), r#"{"post_id":"42","text":"say \"hi\"\u000a😀"}"#);
        assert_eq!(Properties::default().into_json().unwrap().text(), "{}");
    }

    #[test]
    fn a_label_is_cut_at_sixty_four_code_points() {
        assert_eq!(label("  Add \n to\tcart "), Some("Add to cart".into()));
        assert_eq!(label(" \n"), None);
        assert_eq!(label(&"😀".repeat(70)).unwrap().chars().count(), 64);
        assert!(label(&"word ".repeat(100_000)).unwrap().chars().count() <= 64);
    }
}
