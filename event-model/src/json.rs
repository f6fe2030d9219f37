//! A JSON value that is carried as text: checked to be JSON once, then never parsed or rebuilt again.
//! Meaning is left to the consumers; here it only has a kind, a depth and a number of keys.

mod shape;

use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
pub(crate) use shape::Shape;

/// A JSON value as the text that the sender wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(Box<str>);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(raw.into()))
    }
}

/// Looks at the text once more, which is how `serde_json` takes one: a record writes itself without it.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

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
        let raw = RawValue::from_string(text).ok().filter(|_| is_bare).ok_or(NotJson)?;
        Ok(Self(raw.into()))
    }

    /// Takes a text that is part of one that was read as JSON.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What kind of value it is.
    pub fn kind(&self) -> JsonKind {
        JsonKind::of(self.text())
    }
}
