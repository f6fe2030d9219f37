//! The checks of an event: every violation at once, each with its path, its rule and a sentence.
//! They judge what was said, never when: whether a time is plausible is judged where it is stamped.

mod context;

pub use context::check_context;

use crate::json::Shape;
use crate::limits::{ID_BYTES, NAME_BYTES, PROPERTY_DEPTH, PROPERTY_KEYS};
use crate::text::{joined, push_number};
use crate::{Event, EventType, Json, JsonKind, Rule, Violation};

/// Checks one event.
///
/// # Errors
/// Every [`Violation`] there is, in the order of the fields.
pub fn check(event: &Event) -> Result<(), Vec<Violation>> {
    check_as(event, &Own::of(event))
}

/// The same for an event whose `properties` and `traits` are known to be objects within their limits.
pub(crate) fn check_beside_bags(event: &Event) -> Result<(), Vec<Violation>> {
    check_as(event, &Own { properties: None, traits: None, ..Own::of(event) })
}

fn check_as(event: &Event, own: &Own<'_>) -> Result<(), Vec<Violation>> {
    let mut found = own.check();
    // The SDK always has these.
    match event.kind {
        EventType::Group => required(&mut found, "group", "group_id", event.group_id.as_ref()),
        EventType::Alias => required(&mut found, "alias", "previous_id", event.previous_id.as_ref()),
        _ => {}
    }
    if let Some(context) = &event.context {
        context::check_context_into(&mut found, context);
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// What an event says outside of its context, borrowed from wherever it is.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the fields are those of `Event`; the last two are JSON texts")]
pub struct Own<'a> {
    pub kind: EventType,
    pub event_id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub group_id: Option<&'a str>,
    pub previous_id: Option<&'a str>,
    pub properties: Option<&'a str>,
    pub traits: Option<&'a str>,
}

impl<'a> Own<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            kind: event.kind,
            event_id: event.event_id.as_deref(),
            name: event.name.as_deref(),
            user_id: event.user_id.as_deref(),
            group_id: event.group_id.as_deref(),
            previous_id: event.previous_id.as_deref(),
            properties: event.properties.as_ref().map(Json::text),
            traits: event.traits.as_ref().map(Json::text),
        }
    }

    /// Checks it as [`check`] does, for a sender whose events have no context of their own: neither the rules of a
    /// context nor the type that owns an event need then be brought into each visitor's browser. Gives every
    /// [`Violation`] there is, in the order of the fields.
    #[must_use]
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        id(&mut found, "", "event_id", self.event_id);
        name(&mut found, self);
        id(&mut found, "", "user_id", self.user_id);
        id(&mut found, "", "group_id", self.group_id);
        id(&mut found, "", "previous_id", self.previous_id);
        bag(&mut found, "properties", self.properties);
        bag(&mut found, "traits", self.traits);
        found
    }
}

fn name(found: &mut Vec<Violation>, event: &Own<'_>) {
    match event.name {
        Some(name) if is_name(name) => {}
        Some(name) => {
            // Cut so that the message stays a sentence.
            let short = crate::text::cut(name, NAME_BYTES);
            let mut message = joined(&[
                "event name \"",
                short,
                if short.len() < name.len() { "\"…" } else { "\"" },
                " is not allowed: use a lower-case letter first, then lower-case letters, digits, '_', '.' or ':', \
                 at most ",
            ]);
            push_number(&mut message, NAME_BYTES as u64);
            message.push_str(" in all, such as \"post_view\"");
            tell(found, "event", Rule::BadName, message);
        }
        None if event.kind == EventType::Track => {
            let message = joined(&["event is missing: a track event needs a name, such as \"post_view\""]);
            tell(found, "event", Rule::Required, message);
        }
        None => {}
    }
}

/// Whether a name has the form `^[a-z][a-z0-9_.:]{0,63}$`.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b':');
    name.len() <= NAME_BYTES
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.bytes().all(allowed)
}

/// Notes a violation. The checks copy texts by [`joined`] alone, and put their messages together without `format!`, which
/// would cost each visitor of a page a kilobyte, and whose `{:?}` prints nothing in the browser's module.
fn tell(found: &mut Vec<Violation>, path: &str, rule: Rule, message: String) {
    found.push(Violation { path: joined(&[path]), rule, message });
}

/// The violation of a limit: `properties has 300 keys; at most 256 are allowed`.
pub(crate) fn above(what: &[&str], path: &str, rule: Rule, is: usize, unit: &str, most: usize) -> Violation {
    let mut message = joined(what);
    push_number(&mut message, is as u64);
    message.push_str(unit);
    message.push_str("; at most ");
    push_number(&mut message, most as u64);
    message.push_str(" are allowed");
    Violation { path: joined(&[path]), rule, message }
}

pub(crate) fn id(found: &mut Vec<Violation>, place: &str, field: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    let rule = if value.is_empty() {
        Rule::Empty
    } else if value.len() > ID_BYTES {
        Rule::TooLong
    } else if value.as_bytes().iter().any(|&byte| byte < 0x20 || byte == 0x7f) {
        Rule::BadCharacter
    } else {
        return;
    };
    // Most ids are fine, and a server sees hundreds of thousands in a second.
    let path = joined(&[place, field]);
    match rule {
        Rule::TooLong => {
            found.push(above(&[&path, " has "], &path, rule, value.len(), " bytes", ID_BYTES));
        }
        Rule::Empty => {
            let message = joined(&[&path, " is empty; leave it out or give it a value"]);
            tell(found, &path, rule, message);
        }
        _ => {
            let message = joined(&[&path, " has a control character in it; use printable ones"]);
            tell(found, &path, rule, message);
        }
    }
}

/// Checks that an event of a type has the id without which it says nothing.
fn required(found: &mut Vec<Violation>, kind: &str, field: &str, value: Option<&String>) {
    if value.is_none() {
        let message = joined(&[field, " is missing: an event of type ", kind, " needs it"]);
        found.push(Violation::new(field, Rule::Required, message));
    }
}

/// Checks an object of the sender's own keys.
fn bag(found: &mut Vec<Violation>, path: &str, json: Option<&str>) {
    let Some(json) = json else { return };
    let kind = JsonKind::of(json);
    if kind != JsonKind::Object {
        let message = joined(&[path, " is ", kind.with_article(), "; it must be an object"]);
        tell(found, path, Rule::WrongType, message);
        return;
    }
    let shape = Shape::of(json.as_bytes());
    if shape.depth > PROPERTY_DEPTH {
        found.push(above(&[path, " is "], path, Rule::TooDeep, shape.depth, " levels deep", PROPERTY_DEPTH));
    }
    if shape.keys > PROPERTY_KEYS {
        found.push(above(&[path, " has "], path, Rule::TooManyKeys, shape.keys, " keys", PROPERTY_KEYS));
    }
}

#[cfg(test)]
mod tests;
