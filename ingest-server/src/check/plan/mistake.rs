//! What is wrong with a plan, and where: a line and a column of its text, and a sentence that says what would be right.
//! What is a mistake is decided where a plan is read.

use super::Plan;

/// Something that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The key there, such as `event.purchase.properties.total.min`; in a JSON Schema the JSON Pointer (RFC 6901) behind
    /// a `#`, such as `#/properties/total/minimum`. Empty where the text is no TOML.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Mistake {
    /// One that stands at a byte of the text.
    pub(super) fn at(text: &str, at: usize, key: &str, message: impl Into<String>) -> Self {
        let before = &text.as_bytes()[..at.min(text.len())];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        Self { line, column, key: key.to_owned(), message: message.into() }
    }
}

/// What is noted of a text while it is read.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) mistakes: Vec<Mistake>,
    /// Names of successors, which may be declared further down or in another file.
    pub(super) successors: Vec<Successor>,
}

/// The event that is sent instead of a deprecated one.
#[derive(Debug)]
pub(super) struct Successor {
    name: String,
    /// What is told where the plan has no such event.
    unknown: Mistake,
}

impl Successor {
    /// One that is named at a byte of the text.
    pub(super) fn at(text: &str, at: usize, key: &str, name: &str) -> Self {
        let message =
            format!("names {name:?}; the successor must be declared here and not deprecated itself");
        Self { name: name.to_owned(), unknown: Mistake::at(text, at, key, message) }
    }

    /// The mistake, once all of the plan is read.
    pub(super) fn judge(self, plan: &Plan) -> Option<Mistake> {
        let taken = plan.events.get(&self.name).is_some_and(|declared| !declared.deprecated);
        (!taken).then_some(self.unknown)
    }
}
