//! Batches with ids, as a browser that remembers them sends them.

use footfall_event_model::uuid_v7;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub fn new_id(number: u8) -> String {
    uuid_v7(now(), &[number; 10])
}

/// A batch of these events, which asks for those batches.
pub fn batch(id: &str, events: &[&str], asked: &[&str]) -> String {
    let events: Vec<_> =
        events.iter().map(|event| json!({"event": event, "event_id": format!("id_{event}")})).collect();
    json!({"sent_at": now(), "batch_id": id, "unconfirmed": asked, "events": events}).to_string()
}
