//! What a plan says a value must be, and where and what is told of one that is not.
//! Reading it is `file`'s part, comparing `value`'s.

use footfall_event_model::{Rule, Violation};
use std::fmt;

/// Violations that are told of one event; what is wrong beyond them shows when these are mended.
const MOST_TOLD: usize = 16;

/// The declared members of an object.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields {
    /// In the order of their names.
    pub(super) all: Vec<Field>,
    /// Whether members that are not declared are a violation.
    pub(super) closed: bool,
}

/// The most members that one object may declare; a set of them is two numbers.
pub(super) const MOST_FIELDS: usize = u128::BITS as usize;

/// One declared member.
#[derive(Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) required: bool,
    pub(super) value: Expected,
}

/// What a value must be.
#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    Any,
    Text { most_characters: usize },
    OneOf(Box<[Box<str>]>),
    Number { whole: bool, least: f64, most: f64 },
    Flag,
    List { items: Box<Expected>, most: usize },
    Object(Fields),
}

impl Expected {
    pub(super) fn right(&self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Text { .. } | Self::OneOf(_) => "a string",
            Self::Number { whole: true, .. } => "a whole number",
            Self::Number { .. } => "a number",
            Self::Flag => "true or false",
            Self::List { .. } => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// What was found, up to its bound.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Violation>);

impl Found {
    pub(super) fn tell(&mut self, place: &Place<'_>, rule: Rule, what: fmt::Arguments<'_>) {
        if self.0.len() < MOST_TOLD {
            let path = place.to_string();
            let message = format!("{path} {what}");
            self.0.push(Violation::new(path, rule, message));
        }
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.0
    }
}

/// Where a value stands; written out only where something is told of it.
pub(super) enum Place<'a> {
    Root(&'static str),
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}
