//! What goes of a refused call of Segment's clients, and what it says of itself, in Segment's names.
//! Where privacy was asked for only what our mapping reads is kept, since the rest (`integrations`, `context.device` and
//! whatever a client adds) may hold anybody's ids.

use super::{Masked, Members, Place};
use serde_json::value::RawValue;

/// What is kept of a call whose visitor asked for privacy.
const CALL: [&str; 9] = [
    "type",
    "event",
    "messageId",
    "originalTimestamp",
    "timestamp",
    "name",
    "category",
    "properties",
    "context",
];
/// The same of a context.
const CONTEXT: [&str; 7] = ["page", "screen", "locale", "timezone", "library", "campaign", "consent"];

/// Whether a member must go: the signature, a visitor's address, and with `private` who it was.
pub(super) fn goes(place: Place, name: &str, private: bool) -> bool {
    match place {
        Place::Event if private => !CALL.contains(&name),
        Place::Context if private => !CONTEXT.contains(&name),
        // An address outside of the context is not read, and no less an address.
        Place::Event | Place::Context => matches!(name, "user_signature" | "ip"),
    }
}

/// What a call says of itself; its text is left out.
pub(super) fn said(call: &Members<'_>) -> Masked {
    let id = |name| call.get(name).and_then(id);
    Masked {
        event_id: id("messageId"),
        name: call.text("event").filter(|name| !name.is_empty()),
        user_id: id("userId"),
        anonymous_id: id("anonymousId"),
        ..Masked::default()
    }
}

/// An id as the mapping reads it: a text that is not empty, or a number.
fn id(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()).ok()? {
        serde_json::Value::String(id) => Some(id).filter(|id| !id.is_empty()),
        serde_json::Value::Number(_) => Some(raw.get().to_owned()),
        _ => None,
    }
}
