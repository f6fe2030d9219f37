//! From a refused event to its dead letter: the event as it came, in a batch of its own, and why it was refused.
//! What may be kept of it is decided by `mask`; where letters are stored is delivery's part.

use super::mask::{Masked, mask_segment_context};
use super::{EncodeError, Shared, header, new_id};
use crate::decode::Shape;
use bytes::Bytes;
use footfall_delivery::{Header, Priority, Record as Outgoing};
use footfall_event_model::limits::{CONTEXT_BYTES, ID_BYTES};
use footfall_event_model::text::cut;
use footfall_event_model::wire::EventRefused;
use footfall_event_model::{Context, Violation, in_one_line};
use serde::Serialize;
use serde_json::value::RawValue;

/// Bytes of an event's text in a letter: twice what an event may have, so that most that are too large are there too.
const LETTER_BYTES: usize = 64 * 1024;

/// How the events of a request came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came<'a> {
    /// In which shape.
    pub(crate) shape: Shape,
    /// What a batch of Segment's clients says of all its calls.
    pub(crate) segment_context: Option<&'a RawValue>,
}

/// What a letter's value holds: a batch of one, in the names of whoever sent it.
#[derive(Serialize)]
#[serde(untagged)]
enum Letter<'a> {
    Ours {
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<i64>,
        context: &'a Context,
        events: &'a [&'a RawValue],
    },
    Segment {
        #[serde(rename = "sentAt", skip_serializing_if = "Option::is_none")]
        sent_at: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<&'a RawValue>,
        batch: &'a [&'a RawValue],
    },
}

impl Shared<'_> {
    /// Makes the letter of one refused event. `signed` says that its user was signed: the signature itself is not
    /// kept, and whoever sends the letter again may vouch for that user.
    ///
    /// # Errors
    /// [`EncodeError`] where the system gives no randomness for an id, or the letter cannot be written.
    pub(crate) fn dead_letter(
        &self,
        came: Came<'_>,
        masked: &Masked,
        step: &'static str,
        refused: &EventRefused,
        signed: bool,
    ) -> Result<Outgoing, EncodeError> {
        let event: &RawValue = serde_json::from_str(&masked.text)?;
        let fits = masked.text.len() <= LETTER_BYTES;
        let events: &[_] = if fits { &[event] } else { &[] };
        let (sent_at, private) = (self.sent_at, self.seen.stamp.private);
        // It stands in each letter: of what no check has bounded, one request would make hundreds of copies.
        let (said, too_large) = match came.segment_context {
            Some(said) if said.get().len() > CONTEXT_BYTES => (None, Some(said.get().len())),
            said => (said.and_then(|said| mask_segment_context(said, private)), None),
        };
        let own;
        let letter = match came.shape {
            Shape::Segment(_) => {
                let context = said.as_deref().map(serde_json::from_str).transpose()?;
                Letter::Segment { sent_at, context, batch: events }
            }
            Shape::Events | Shape::Pixel => {
                own = Context { user_signature: None, ..self.context.clone() };
                Letter::Ours { sent_at, context: &own, events }
            }
        };
        let mut payload = serde_json::to_vec(&letter)?;
        in_one_line(&mut payload);
        let mut headers = vec![
            header("dead_letter_id", Bytes::from(new_id(self.seen.stamp.received_at)?)),
            text("write_key", self.write_key),
            header("received_at", Bytes::from(self.seen.stamp.received_at.to_string())),
            text("request_path", &came.shape.path()),
            text("step", step),
            header("content-type", Bytes::from_static(b"application/json")),
        ];
        let first = refused.violations.first();
        headers.extend(first.map(|first| text("code", first.rule.code())));
        headers.extend(first.map(|first| text("reason", &first.message)));
        headers.push(header("violations", violations(&refused.violations)?));
        headers.extend(masked.event_id.as_deref().map(|id| text("event_id", cut(id, ID_BYTES))));
        headers.extend(masked.name.as_deref().map(|name| text("event", cut(name, ID_BYTES))));
        headers.extend(self.batch_id.map(|id| text("batch_id", id)));
        headers.extend(self.seen.stamp.user_agent.as_deref().map(|agent| text("user_agent", agent)));
        headers.extend(signed.then(|| text("user", "signed")));
        headers.extend(private.then(|| text("private", "true")));
        headers.extend((!fits).then(|| text("omitted_bytes", &masked.text.len().to_string())));
        headers.extend(too_large.map(|bytes| text("omitted_context_bytes", &bytes.to_string())));
        let (payload, priority) = (payload.into(), Priority::Background);
        Ok(Outgoing { headers: headers.into(), payload, priority, ..Outgoing::default() })
    }

    /// The browser that the batch says, where it may be told.
    pub(crate) fn anonymous_id(&self) -> Option<&str> {
        self.context.anonymous_id.as_deref()
    }

    /// Whether the visitor asked for privacy.
    pub(crate) fn is_private(&self) -> bool {
        self.seen.stamp.private
    }
}

fn violations(all: &[Violation]) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(all).map(Bytes::from)
}

fn text(name: &'static str, value: &str) -> Header {
    header(name, Bytes::copy_from_slice(value.as_bytes()))
}
