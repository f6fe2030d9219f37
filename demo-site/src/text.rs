//! The rules for what members may write, and the sentences that explain them.
//! Escaping for HTML is left to the templates, which escape everything.

use crate::Error;

/// What a field may hold, in characters (Unicode code points).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// The field as a sentence begins with it.
    name: &'static str,
    /// The least number of characters.
    pub(crate) min: usize,
    /// The greatest number of characters.
    pub(crate) max: usize,
    /// Whether line breaks are kept.
    lines: bool,
}

pub(crate) const TITLE: Rule = Rule { name: "The title", min: 4, max: 120, lines: false };
pub(crate) const POST: Rule = Rule { name: "The text", min: 10, max: 10_000, lines: true };
pub(crate) const COMMENT: Rule = Rule { name: "The comment", min: 1, max: 2_000, lines: true };
pub(crate) const QUERY: Rule = Rule { name: "The search", min: 0, max: 100, lines: false };
pub(crate) const HANDLE: Rule = Rule { name: "The name", min: 3, max: 24, lines: false };

impl Rule {
    /// The text without blanks at its ends and with plain line breaks.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is too short, too long, or holds control characters.
    pub(crate) fn check(self, raw: &str) -> Result<String, Error> {
        let text = raw.replace("\r\n", "\n").trim().to_owned();
        let (name, count) = (self.name, text.chars().count());
        if count == 0 && self.min > 0 {
            return Err(Error::Invalid(format!("{name} is empty: please write something first.")));
        }
        if count < self.min {
            return Err(Error::Invalid(format!(
                "{name} is too short: it needs at least {} characters.",
                self.min
            )));
        }
        if count > self.max {
            return Err(Error::Invalid(format!(
                "{name} is too long: it has {count} characters, and {} are the most.",
                self.max
            )));
        }
        let refused = |c: char| c.is_control() && !(self.lines && matches!(c, '\n' | '\t'));
        if text.contains(refused) {
            return Err(Error::Invalid(format!("{name} holds control characters: please write plain text.")));
        }
        Ok(text)
    }
}

/// A member's handle in its one spelling: lower case letters, digits and `_`.
///
/// # Errors
/// [`Error::Invalid`] when a character or the length is not allowed.
pub(crate) fn handle(raw: &str) -> Result<String, Error> {
    let handle = HANDLE.check(raw)?.to_lowercase();
    if handle.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        Ok(handle)
    } else {
        Err(Error::Invalid("The name may have letters a to z, digits and _ only, such as mossy_oak.".into()))
    }
}

/// The title as a part of the post's address: `plum-jam-that-sets`.
pub(crate) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.take(10).collect::<Vec<_>>().join("-").to_ascii_lowercase();
    slug.truncate(80);
    if slug.is_empty() { "post".into() } else { slug }
}

/// The beginning of a text on one line, cut at a word and marked where it was cut.
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    let mut excerpt = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        length += word.chars().count() + 1;
        if length > max + 1 {
            excerpt.push('…');
            break;
        }
        if !excerpt.is_empty() {
            excerpt.push(' ');
        }
        excerpt.push_str(word);
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_in_characters_after_trimming() {
        assert_eq!(COMMENT.check("  äöü\r\nx ").unwrap(), "äöü\nx");
        assert!(COMMENT.check(&"ä".repeat(2_000)).is_ok());
        let reason = COMMENT.check(&"ä".repeat(2_001)).unwrap_err().to_string();
        assert!(reason.contains("2001") && reason.contains("2000"), "{reason}");
        assert!(COMMENT.check(" \n ").unwrap_err().to_string().contains("empty"));
        assert!(TITLE.check("a\u{0}bcd").unwrap_err().to_string().contains("control"));
        assert!(TITLE.check("line\nbreak").is_err());
    }

    #[test]
    fn a_handle_has_one_spelling() {
        assert_eq!(handle(" Mossy_Oak ").unwrap(), "mossy_oak");
        for wrong in ["ab", "mossy oak", "möss", "<script>"] {
            assert!(handle(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_slug_is_made_of_plain_words_and_never_empty() {
        assert_eq!(slug("Jam, that sets: a guide!"), "jam-that-sets-a-guide");
        assert_eq!(slug("¿…?"), "post");
    }

    #[test]
    fn an_excerpt_is_cut_at_a_word() {
        assert_eq!(excerpt("one two\n\nthree", 50), "one two three");
        assert_eq!(excerpt("one two three", 7), "one two…");
        assert_eq!(excerpt("unbreakable", 4), "…");
    }
}
