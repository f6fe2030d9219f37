//! What a record must be, whoever sent its event: one line of JSON that says what was sent and nothing that had to go.

use footfall_delivery::Record;
use footfall_event_model::limits::{EVENT_BYTES, ID_BYTES, NAME_BYTES, PROPERTY_DEPTH, PROPERTY_KEYS};
use ingest_server::decode::Shape;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Bytes of a record: its event, the context once as text and once as the page taken apart, and the rest.
const RECORD_BYTES: usize = 2 * EVENT_BYTES;
/// What a visitor who wants privacy is not known by.
pub(crate) const IDS: [&str; 8] = [
    "anonymous_id",
    "group_id",
    "page_view_id",
    "previous_id",
    "session_id",
    "traits",
    "user_id",
    "user_signature",
];

pub(crate) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Holds the record of an accepted event to the promises.
pub(crate) fn accepted(shape: Shape, raw: &RawValue, record: &Record, private: bool) {
    let members = line(&record.payload);
    assert!(record.payload.len() <= RECORD_BYTES, "a record of {} bytes", record.payload.len());
    let text = |name: &str| -> Option<String> {
        members.get(name).map(|raw| serde_json::from_str(raw.get()).expect("a text"))
    };
    let id = text("event_id").expect("each record has an id");
    assert!(!id.is_empty() && id.len() <= ID_BYTES && !id.chars().any(|c| c.is_ascii_control()), "{id:?}");
    let header =
        |name: &str| record.headers.iter().find(|header| header.name == name).map(|header| header.value);
    assert_eq!(header("ce_id"), Some(id.as_bytes()));
    for name in ["ce_type", "ce_source", "ce_time", "ce_specversion"] {
        let value = header(name).unwrap_or_default();
        assert!(!value.is_empty() && value.iter().all(u8::is_ascii_graphic), "{name} is {value:?}");
    }
    let name = text("event");
    if text("type").as_deref() == Some("track") {
        assert!(is_name(name.as_deref().expect("a track event has a name")), "{name:?}");
    }
    let key = text("user_id").or_else(|| text("anonymous_id"));
    assert_eq!(record.key.as_deref(), key.as_deref().map(str::as_bytes));
    for bag in ["properties", "traits"] {
        if let Some(raw) = members.get(bag) {
            is_bag(raw.get());
        }
    }
    if let Some(context) = members.get("context") {
        let context: Members<'_> = serde_json::from_str(context.get()).expect("a context is an object");
        for id in IDS.iter().chain(&["page"]) {
            assert!(!context.contains_key(*id), "{id} in the context");
        }
    }
    for place in ["page", "referrer"] {
        if let Some(page) = members.get(place) {
            is_without_secrets(page);
        }
    }
    assert!(!members.contains_key("user_signature"));
    if private {
        assert!(IDS.iter().all(|id| !members.contains_key(*id)), "ids of a visitor who wants none");
        assert!(record.key.is_none());
    }
    if shape == Shape::Events {
        says_what_was_sent(raw, &members, private);
    }
}

/// What the sender wrote stands in the record, in the words of another reader of JSON.
fn says_what_was_sent(raw: &RawValue, members: &Members<'_>, private: bool) {
    // A number beyond all floats is JSON, and more than this reader can hold.
    let Ok(Value::Object(sent)) = serde_json::from_str(raw.get()) else { return };
    let kept = |name: &&str| !private || !IDS.contains(name);
    for name in ["event", "seq", "properties", "traits", "group_id", "previous_id", "user_id"]
        .iter()
        .filter(|name| kept(name))
    {
        if let Some(said) = sent.get(*name).filter(|said| !said.is_null()) {
            let stands =
                members.get(*name).map(|raw| serde_json::from_str::<Value>(raw.get()).expect("JSON"));
            assert_eq!(stands.as_ref(), Some(said), "{name}");
        }
    }
}

/// No password of an address, and no query or fragment but what the settings let through.
fn is_without_secrets(page: &RawValue) {
    let page: Members<'_> = serde_json::from_str(page.get()).expect("a page is an object");
    let text = |name: &str| -> String {
        page.get(name).map(|raw| serde_json::from_str(raw.get()).expect("a text")).unwrap_or_default()
    };
    assert!(!text("path").contains(['?', '#']), "{}", text("path"));
    assert!(!text("host").contains(['@', '/', '?', '#']), "{}", text("host"));
    let query: BTreeMap<String, String> =
        page.get("query").map(|raw| serde_json::from_str(raw.get()).expect("texts")).unwrap_or_default();
    for name in query.keys() {
        assert!(
            name.starts_with("utm_") || ["page", "q"].contains(&name.as_str()),
            "{name} is kept of a query"
        );
    }
}

fn is_bag(text: &str) {
    assert!(text.starts_with('{'), "{text}");
    if let Ok(tree) = serde_json::from_str::<Value>(text) {
        let (depth, keys) = shape_of(&tree);
        assert!(depth <= PROPERTY_DEPTH && keys <= PROPERTY_KEYS, "{depth} deep, {keys} keys");
    }
}

fn shape_of(tree: &Value) -> (usize, usize) {
    let inner: Vec<_> = match tree {
        Value::Array(items) => items.iter().map(shape_of).collect(),
        Value::Object(members) => members.values().map(shape_of).collect(),
        _ => return (0, 0),
    };
    let own = tree.as_object().map_or(0, serde_json::Map::len);
    let depth = inner.iter().map(|(depth, _)| *depth).max().unwrap_or(0);
    (1 + depth, own + inner.iter().map(|(_, keys)| keys).sum::<usize>())
}

fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    (1..=NAME_BYTES).contains(&name.len())
        && letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.:".contains(&b))
}

/// One line of JSON that is an object.
pub(crate) fn line(payload: &[u8]) -> Members<'_> {
    assert!(!payload.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "a record of two lines");
    serde_json::from_slice(payload).expect("a record is a JSON object")
}
