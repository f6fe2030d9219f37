//! A JSON value that is carried as text: checked to be JSON once, then never parsed or rebuilt again.
//! Meaning is left to the consumers; here it only has a kind, a depth and a number of keys.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// A JSON value as the text that the sender wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

/// The text was not JSON, or had white space around it.
#[derive(Debug)]
pub struct NotJson(Option<serde_json::Error>);

impl From<serde_json::Error> for NotJson {
    fn from(error: serde_json::Error) -> Self {
        Self(Some(error))
    }
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(error) => write!(f, "not JSON: {error}"),
            None => f.write_str("there is white space around the JSON value"),
        }
    }
}

impl std::error::Error for NotJson {}

/// What kind of JSON value a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are JSON's own")]
pub enum JsonKind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl JsonKind {
    /// The word for a message: `an object`, `a string`.
    pub const fn with_article(self) -> &'static str {
        match self {
            JsonKind::Object => "an object",
            JsonKind::Array => "an array",
            JsonKind::String => "a string",
            JsonKind::Number => "a number",
            JsonKind::Bool => "true or false",
            JsonKind::Null => "null",
        }
    }

    /// Tells the kind of a JSON text by its first character.
    pub fn of(text: &str) -> Self {
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }
}

/// How deep and how wide a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Objects and arrays inside one another, the outermost counted; 0 for a plain value.
    pub(crate) depth: usize,
    /// Keys of all objects at every depth.
    pub(crate) keys: usize,
}

impl Json {
    /// Takes a JSON text as it stands.
    ///
    /// # Errors
    /// [`NotJson`] with the place, where the text is not one JSON value without white space around it.
    #[allow(
        unsafe_code,
        reason = "the checked constructor brings 10 KB of messages into the browser's module"
    )]
    pub fn parse(text: String) -> Result<Self, NotJson> {
        serde_json::from_str::<IgnoredAny>(&text)?;
        if text.trim_ascii().len() != text.len() {
            return Err(NotJson(None));
        }
        // SAFETY: the line above has read the whole text as one JSON value, and nothing stands around it, which is
        // all that `from_string` makes sure of, with errors that can be printed.
        Ok(Self(unsafe { RawValue::from_string_unchecked(text) }))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// What kind of value it is.
    pub fn kind(&self) -> JsonKind {
        JsonKind::of(self.text())
    }

    /// Measures depth and keys in one pass, without recursion, so that a nested bomb costs no stack.
    pub(crate) fn shape(&self) -> Shape {
        let (mut shape, mut depth, mut in_string, mut escaped) = (Shape::default(), 0usize, false, false);
        for byte in self.text().bytes() {
            if in_string {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => {
                    depth += 1;
                    shape.depth = shape.depth.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b':' => shape.keys += 1,
                _ => {}
            }
        }
        shape
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        Json::parse(text.to_owned()).unwrap().shape()
    }

    #[test]
    fn depth_counts_the_outermost_and_keys_count_at_every_depth() {
        assert_eq!(shape("5"), Shape { depth: 0, keys: 0 });
        assert_eq!(shape("{}"), Shape { depth: 1, keys: 0 });
        assert_eq!(shape(r#"{"a":[{"b":1},{"c":2}],"d":{}}"#), Shape { depth: 3, keys: 4 });
    }

    #[test]
    fn only_one_json_value_is_taken() {
        for good in ["{}", "[1,2.5e-3]", r#""\ud83d""#, "null"] {
            assert_eq!(Json::parse(good.to_owned()).unwrap().text(), good);
        }
        for bad in ["", "{", "{} ", " {}", "{}{}", "[object Object]", "undefined", "{a:1}", "[1,]", "\"\n\""]
        {
            assert!(Json::parse(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(
            Json::parse("{oops".to_owned()).unwrap_err().to_string(),
            "not JSON: key must be a string at line 1 column 2"
        );
    }

    #[test]
    fn braces_and_colons_inside_strings_do_not_count() {
        assert_eq!(shape(r#"{"a{[:":"}]:\"{{\\"}"#), Shape { depth: 1, keys: 1 });
    }

    #[test]
    fn a_bomb_of_a_hundred_thousand_brackets_is_measured() {
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(shape(&bomb).depth, 100_000);
    }
}
