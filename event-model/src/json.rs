//! A JSON value that is carried as text: checked to be JSON once, then never parsed or rebuilt again.
//! Meaning is left to the consumers; here it only has a kind, a depth and a number of keys.

mod shape;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
pub(crate) use shape::Shape;

/// A JSON value as the text that the sender wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

/// The text was not JSON, or had white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not one JSON value without white space around it")]
pub struct NotJson;

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
        match text.as_bytes().iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }
}

impl Json {
    /// Takes a JSON text as it stands.
    ///
    /// # Errors
    /// [`NotJson`] where the text is not one JSON value without white space around it.
    pub fn parse(text: String) -> Result<Self, NotJson> {
        let is_bare = text.trim_ascii().len() == text.len();
        RawValue::from_string(text).ok().filter(|_| is_bare).map(Self).ok_or(NotJson)
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// What kind of value it is.
    pub fn kind(&self) -> JsonKind {
        JsonKind::of(self.text())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}
