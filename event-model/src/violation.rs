//! One broken rule: where it is, which rule it is, and a sentence for the person who sent it.
//! The sentence is the same in the browser's console, in the server's answer and in the dead letter.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The rule that was broken; stable names that programs may match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A field that must be there is missing.
    Required,
    /// The JSON type is another one than the field has.
    WrongType,
    /// A name that is not of the form `^[a-z][a-z0-9_.:]{0,63}$`.
    BadName,
    /// A value that is not one of the few that the field knows.
    UnknownValue,
    /// Text or an id that is empty.
    Empty,
    /// Text or an id above its limit in bytes.
    TooLong,
    /// A control character in an id.
    BadCharacter,
    /// Objects and arrays too deep inside one another.
    TooDeep,
    /// More keys than the limit.
    TooManyKeys,
    /// An event above its limit in bytes.
    TooLarge,
    /// A number outside its range.
    OutOfRange,
    /// The text is not JSON, or names the same field twice.
    Malformed,
    /// An event that the site's tracking plan does not declare.
    UnknownEvent,
    /// A property that the site's tracking plan does not declare, where it takes no others.
    UnknownProperty,
    /// A user id without its valid signature, where the site asks for one.
    BadSignature,
}

impl Rule {
    /// The stable name, as it stands in answers, metrics and dead letters.
    pub const fn code(self) -> &'static str {
        match self {
            Rule::Required => "required",
            Rule::WrongType => "wrong_type",
            Rule::BadName => "bad_name",
            Rule::UnknownValue => "unknown_value",
            Rule::Empty => "empty",
            Rule::TooLong => "too_long",
            Rule::BadCharacter => "bad_character",
            Rule::TooDeep => "too_deep",
            Rule::TooManyKeys => "too_many_keys",
            Rule::TooLarge => "too_large",
            Rule::OutOfRange => "out_of_range",
            Rule::Malformed => "malformed",
            Rule::UnknownEvent => "unknown_event",
            Rule::UnknownProperty => "unknown_property",
            Rule::BadSignature => "bad_signature",
        }
    }
}

/// A broken rule of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Violation {
    /// Where: a dotted path inside the event, such as `context.page.url`; empty for the event as a whole.
    pub path: String,
    /// Which rule.
    #[serde(rename = "code")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub rule: Rule,
    /// What was wrong and what would be right, in one sentence.
    #[serde(rename = "reason")]
    pub message: String,
}

impl Violation {
    /// A violation of `rule` at `path`.
    pub fn new(path: impl Into<String>, rule: Rule, message: impl Into<String>) -> Self {
        Self { path: path.into(), rule, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
