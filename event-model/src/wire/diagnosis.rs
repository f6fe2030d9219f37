//! The second reading of a text that did not fit: field by field, so that all that is wrong is told at once.
//! Only refused texts come here, so it may be slow; what is right is decided by the types and by `check`.

use super::EventRefused;
use crate::{Event, EventType, Rule, Violation, check};
use serde_json::{Map, Value};

/// What a field must be.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    /// A whole number that may be negative: a time in Unix milliseconds.
    Time,
    /// A whole number from 0.
    Count,
    Number,
    Flag,
    /// One of the event types.
    EventType,
    /// An object whose content is the sender's.
    Bag,
    /// An object with fields of its own.
    Fields(&'static [(&'static str, Kind)]),
    Events,
}

const PAGE: &[(&str, Kind)] =
    &[("url", Kind::Text), ("path", Kind::Text), ("title", Kind::Text), ("referrer", Kind::Text)];
const SDK: &[(&str, Kind)] = &[("name", Kind::Text), ("version", Kind::Text)];
const CONTEXT: &[(&str, Kind)] = &[
    ("anonymous_id", Kind::Text),
    ("session_id", Kind::Text),
    ("user_id", Kind::Text),
    ("user_signature", Kind::Text),
    ("group_id", Kind::Text),
    ("page_view_id", Kind::Text),
    ("page", Kind::Fields(PAGE)),
    ("campaign", Kind::Bag),
    ("screen", Kind::Bag),
    ("locale", Kind::Text),
    ("timezone", Kind::Text),
    ("sdk", Kind::Fields(SDK)),
    ("consent", Kind::Bag),
    ("sample_rate", Kind::Number),
    ("traceparent", Kind::Text),
];
const EVENT: &[(&str, Kind)] = &[
    ("event_id", Kind::Text),
    ("type", Kind::EventType),
    ("event", Kind::Text),
    ("timestamp", Kind::Time),
    ("seq", Kind::Count),
    ("user_id", Kind::Text),
    ("group_id", Kind::Text),
    ("previous_id", Kind::Text),
    ("properties", Kind::Bag),
    ("traits", Kind::Bag),
    ("context", Kind::Fields(CONTEXT)),
    ("key_event", Kind::Flag),
    ("possible_duplicate", Kind::Flag),
];
const BATCH: &[(&str, Kind)] = &[
    ("write_key", Kind::Text),
    ("sent_at", Kind::Time),
    ("batch_id", Kind::Text),
    ("unconfirmed", Kind::Texts),
    ("dropped", Kind::Count),
    ("context", Kind::Fields(CONTEXT)),
    ("events", Kind::Events),
];

/// Tells everything that is wrong with a text that is JSON but no batch; `error` is what the first reading said.
pub(super) fn of_batch(text: &str, error: &serde_json::Error) -> Vec<Violation> {
    let mut found = Vec::new();
    match serde_json::from_str(text) {
        Ok(Value::Object(mut fields)) => {
            if !fields.contains_key("events") {
                found.push(Violation::new("events", Rule::Required, without_events(&fields)));
            }
            remove_misfits(&mut fields, BATCH, "", &mut found);
        }
        Ok(other) => {
            let message = format!("the body is {}; {RIGHT}", kind(&other));
            found.push(Violation::new("", Rule::WrongType, message));
        }
        Err(_) => {}
    }
    or_malformed(found, error)
}

const RIGHT: &str = "send a batch such as {\"events\":[{\"event\":\"post_view\"}]}, one event such as \
                     {\"event\":\"post_view\"}, or an array of events";

/// What to say of an object that is neither a batch nor an event.
fn without_events(fields: &Map<String, Value>) -> String {
    if fields.contains_key("batch") {
        return "events is missing, but there is batch, as Segment's clients send it: they post to /v1/batch"
            .to_owned();
    }
    format!("events is missing: {RIGHT}")
}

/// Tells everything that is wrong with an event that could not be read; `error` is what the first reading said.
pub(super) fn of_event(text: &str, error: &serde_json::Error) -> EventRefused {
    let (mut event_id, mut found) = (None, Vec::new());
    match serde_json::from_str(text) {
        Ok(Value::Object(mut fields)) => {
            event_id = fields.get("event_id").and_then(Value::as_str).map(str::to_owned);
            remove_misfits(&mut fields, EVENT, "", &mut found);
            let readable = serde_json::from_value::<Event>(Value::Object(fields));
            if let Some(Err(more)) = readable.ok().as_ref().map(check) {
                // A field that was taken out for its type is not missing.
                let told = |violation: &Violation| found.iter().any(|earlier| earlier.path == violation.path);
                let more: Vec<_> = more.into_iter().filter(|violation| !told(violation)).collect();
                found.extend(more);
            }
        }
        Ok(other) => {
            let message = format!("the event is {}; it must be an object", kind(&other));
            found.push(Violation::new("", Rule::WrongType, message));
        }
        Err(_) => {}
    }
    EventRefused { event_id, violations: or_malformed(found, error) }
}

/// Where the second reading finds nothing (a field named twice, nesting beyond what it reads), the first one speaks.
fn or_malformed(mut found: Vec<Violation>, error: &serde_json::Error) -> Vec<Violation> {
    if found.is_empty() {
        found.push(Violation::new("", Rule::Malformed, error.to_string()));
    }
    found
}

/// Takes out every field that is not what it must be, and tells each.
fn remove_misfits(
    fields: &mut Map<String, Value>,
    known: &'static [(&'static str, Kind)],
    place: &str,
    found: &mut Vec<Violation>,
) {
    for &(name, must) in known {
        let Some(value) = fields.get_mut(name) else { continue };
        let path = format!("{place}{name}");
        if let (Kind::Fields(inner), Value::Object(map)) = (must, &mut *value) {
            remove_misfits(map, inner, &format!("{path}."), found);
        } else if let Some(violation) = misfit(&path, value, must) {
            found.push(violation);
            fields.remove(name);
        }
    }
}

fn misfit(path: &str, value: &Value, must: Kind) -> Option<Violation> {
    let (fits, right) = match must {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Texts => {
            (value.as_array().is_some_and(|all| all.iter().all(Value::is_string)), "an array of strings")
        }
        Kind::Time => (value.is_i64(), "a whole number of milliseconds since 1970, such as 1795458876500"),
        Kind::Count => (value.is_u64(), "a whole number from 0"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Flag => (value.is_boolean(), "true or false"),
        Kind::Bag | Kind::Fields(_) => (value.is_object(), "an object"),
        Kind::Events => (value.is_array(), "an array of events"),
        Kind::EventType => return unknown_type(path, value),
    };
    // `null` stands for a missing field where a field may be missing.
    let may_be_null = !matches!(must, Kind::Texts | Kind::Events);
    if fits || (may_be_null && value.is_null()) {
        return None;
    }
    let message = format!("{path} is {}; it must be {right}", kind(value));
    Some(Violation::new(path, Rule::WrongType, message))
}

fn unknown_type(path: &str, value: &Value) -> Option<Violation> {
    let names = EventType::ALL.map(EventType::as_str);
    match value.as_str() {
        Some(name) if names.contains(&name) => None,
        Some(name) => {
            let (name, names) = (crate::text::cut(name, 32), names.join(", "));
            let message = format!("{path} is {name:?}; it must be one of {names}");
            Some(Violation::new(path, Rule::UnknownValue, message))
        }
        None => {
            let message = format!("{path} is {}; it must be one of {}", kind(value), names.join(", "));
            Some(Violation::new(path, Rule::WrongType, message))
        }
    }
}

/// What a value is, for a message; a number is told, since "a number" would not say what was wrong with it.
fn kind(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
