//! A batch and its form on the wire (`docs/wire.md`): the texts of its events, put together without parsing them again.
//! Its write key and priority travel in the query, which is the browser's part.

use super::queue::Queued;
use super::text::push_number;
use super::{Now, Priority};
use std::rc::Rc;

/// Bytes of everything but events and contexts: names, braces, an id and a time.
const FRAME_BYTES: usize = 128;

/// Events that are sent together, under one id that stays the same when they are sent again.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: String,
    /// Never empty.
    pub(super) events: Vec<Queued>,
}

impl Batch {
    pub(super) fn priority(&self) -> Priority {
        self.events.first().map_or(Priority::Normal, |event| event.priority)
    }

    /// Bytes of the events' texts, as the queue counts them.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.text.len()).sum()
    }

    /// What a batch weighs beside its events, with contexts of these lengths.
    pub(super) fn overhead(first: &Queued, device: &str) -> usize {
        first.scope.who.len() + first.scope.page.len() + device.len() + FRAME_BYTES
    }

    /// The request body. The batch's context is that of its first event; an event of another page says its own.
    pub(super) fn body(&self, device: &str, now: Now) -> String {
        let mut body = String::new();
        let Some(first) = self.events.first() else { return body };
        body.push_str("{\"sent_at\":");
        push_number(&mut body, now.unix_ms);
        body.push_str(",\"batch_id\":\"");
        body.push_str(&self.id);
        body.push_str("\",\"context\":{");
        let mut comma = "";
        for part in [&*first.scope.who, &*first.scope.page, device] {
            let inside = part.get(1..part.len().saturating_sub(1)).unwrap_or_default();
            if !inside.is_empty() {
                body.push_str(comma);
                body.push_str(inside);
                comma = ",";
            }
        }
        body.push_str("},\"events\":[");
        comma = "";
        for event in &self.events {
            body.push_str(comma);
            if Rc::ptr_eq(&event.scope.page, &first.scope.page) {
                body.push_str(&event.text);
            } else {
                body.push_str("{\"context\":");
                body.push_str(&event.scope.page);
                body.push(',');
                body.push_str(&event.text[1..]);
            }
            comma = ",";
        }
        body.push_str("]}");
        body
    }
}
