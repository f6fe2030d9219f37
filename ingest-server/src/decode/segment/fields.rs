//! Reads single fields and notes what is wrong with each, so that all is told at once and in the sender's own names.
//! `null` and empty text stand for a missing field: Segment's clients write both.

use super::time;
use footfall_event_model::{Json, JsonKind, Rule, Violation};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A field as text, if it is there.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// Reads fields under a place in the event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// What was wrong so far.
    pub(super) found: Vec<Violation>,
}

impl Fields {
    /// A text.
    pub(super) fn text(&mut self, path: &str, raw: Raw<'_>) -> Option<String> {
        let raw = raw?;
        match JsonKind::of(raw.get()) {
            JsonKind::String => parsed::<String>(raw).filter(|text| !text.is_empty()),
            kind => self.misfit(path, kind, "a string"),
        }
    }

    /// An id: a text, or a number, which some languages have for ids.
    pub(super) fn id(&mut self, path: &str, raw: Raw<'_>) -> Option<String> {
        match raw.map(RawValue::get) {
            Some(number) if JsonKind::of(number) == JsonKind::Number => Some(number.to_owned()),
            _ => self.text(path, raw),
        }
    }

    /// A time in Unix milliseconds, from ISO 8601 or from a number of them.
    pub(super) fn time(&mut self, path: &str, raw: Raw<'_>) -> Option<i64> {
        let raw = raw?;
        let time = match JsonKind::of(raw.get()) {
            JsonKind::Number => parsed::<i64>(raw),
            JsonKind::String => {
                let text = parsed::<String>(raw)?;
                if text.is_empty() {
                    return None;
                }
                time::unix_ms(&text)
            }
            kind => return self.misfit(path, kind, "a time such as \"2026-11-23T18:34:36.500Z\""),
        };
        if time.is_none() {
            let is = footfall_event_model::text::cut(raw.get(), 64);
            let message = format!("{path} is {is}; it must be a time such as \"2026-11-23T18:34:36.500Z\"");
            self.found.push(Violation::new(path, Rule::WrongType, message));
        }
        time
    }

    /// An object whose content is the sender's own.
    pub(super) fn bag(&mut self, path: &str, raw: Raw<'_>) -> Option<Json> {
        let raw = raw?;
        match JsonKind::of(raw.get()) {
            JsonKind::Object => parsed(raw),
            kind => self.misfit(path, kind, "an object"),
        }
    }

    /// An object with fields of its own.
    pub(super) fn object<'a, T: Deserialize<'a>>(&mut self, path: &str, raw: Raw<'a>) -> Option<T> {
        let raw = raw?;
        match JsonKind::of(raw.get()) {
            JsonKind::Object => match serde_json::from_str(raw.get()) {
                Ok(object) => Some(object),
                Err(error) => {
                    // A field that stands twice; all else fits any field here.
                    self.found.push(Violation::new(path, Rule::Malformed, format!("{path}: {error}")));
                    None
                }
            },
            kind => self.misfit(path, kind, "an object"),
        }
    }

    fn misfit<T>(&mut self, path: &str, kind: JsonKind, right: &str) -> Option<T> {
        let what = if path.is_empty() { "the event" } else { path };
        let message = format!("{what} is {}; it must be {right}", kind.with_article());
        self.found.push(Violation::new(path, Rule::WrongType, message));
        None
    }
}

fn parsed<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}
