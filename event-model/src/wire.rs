//! Reading the wire form: a batch as the SDK writes it in one pass; else its head first, then each event on its own.
//! Only a text that does not fit is read again, field by field, to tell all that is wrong.

mod diagnosis;
mod quick;
mod shorter;

use crate::check::{self, above, check, check_context};
use crate::limits::{BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, UNCONFIRMED_IDS};
use crate::object::Object;
use crate::{Batch, Event, Rule, Violation};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Why a batch cannot be read; it is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Nothing came.
    #[error("the body is empty; send a JSON object such as {{\"events\":[{{\"event\":\"post_view\"}}]}}")]
    Empty,
    /// More bytes than a batch may have.
    #[error("the batch has more than {BATCH_BYTES} bytes after decompression; split it")]
    TooLarge,
    /// The bytes are not UTF-8.
    #[error("the body is not UTF-8: the first wrong byte is at {at}")]
    NotUtf8 {
        /// The place of the first wrong byte, from 0.
        at: usize,
    },
    /// The text is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not a batch.
    #[error("{}", .0.first().map_or("the body is not a batch", |first| first.message.as_str()))]
    NotABatch(Vec<Violation>),
    /// More events than a batch may have.
    #[error("the batch has {events} events; at most {most} are taken at once, split it")]
    TooManyEvents {
        /// How many it has.
        events: usize,
        /// How many it may have.
        most: usize,
    },
}

impl BatchError {
    /// The stable name of the cause.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_body",
            Self::TooLarge => "batch_too_large",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotABatch(_) => "not_a_batch",
            Self::TooManyEvents { .. } => "too_many_events",
        }
    }
}

/// Why an event cannot be taken: what is wrong with it, and its id where one could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRefused {
    /// The event's id, where it has a readable one.
    pub event_id: Option<String>,
    /// Everything that is wrong; never empty.
    pub violations: Vec<Violation>,
}

/// A batch whose head was read and checked.
#[derive(Debug)]
pub struct DecodedBatch<'a> {
    /// The batch, its events as text.
    pub batch: Batch<'a>,
    /// The events that were read and checked on the way, each at the place of its text; the others, or all where there is
    /// nothing here, are to be read by [`decode_event`].
    pub read: Vec<Option<Event>>,
    /// Fields outside the events that the wire form does not know.
    pub unknown_fields: u32,
}

/// An event that was read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedEvent {
    /// The event.
    pub event: Event,
    /// Fields that the wire form does not know.
    pub unknown_fields: u32,
}

/// Reads a batch's head, finds its events, and reads those that are as the SDK writes them. Lone surrogates in `body` are made U+FFFD in place.
/// A single event and a bare array of events are batches too, so that a person with `curl` writes no more than needed.
///
/// # Errors
/// [`BatchError`], where the batch must be refused as a whole.
pub fn decode_batch(body: &mut [u8]) -> Result<DecodedBatch<'_>, BatchError> {
    let text = text_of(body)?;
    if let Some((batch, read)) = quick::batch(text) {
        check_batch(&batch, BATCH_EVENTS)?;
        return Ok(DecodedBatch { batch, read, unknown_fields: 0 });
    }
    let (batch, unknown_fields) = if text.trim_ascii_start().starts_with('[') {
        (shorter::array(text)?, 0)
    } else {
        match read::<Batch<'_>>(text) {
            Ok(read) => read,
            Err(error) => (shorter::event(text).ok_or_else(|| refused(text, &error))?, 0),
        }
    };
    check_batch(&batch, BATCH_EVENTS)?;
    Ok(DecodedBatch { batch, read: Vec::new(), unknown_fields })
}

/// The text of a body within the limit of a batch. Lone surrogates in `body` are made U+FFFD in place.
///
/// # Errors
/// [`BatchError`] where it is too large, empty or not UTF-8.
pub fn text_of(body: &mut [u8]) -> Result<&str, BatchError> {
    if body.len() > BATCH_BYTES {
        return Err(BatchError::TooLarge);
    }
    if body.trim_ascii().is_empty() {
        return Err(BatchError::Empty);
    }
    crate::text::repair_surrogates(body);
    std::str::from_utf8(body).map_err(|error| BatchError::NotUtf8 { at: error.valid_up_to() })
}

/// Why a text is no batch; `error` is what reading it said.
fn refused(text: &str, error: &serde_json::Error) -> BatchError {
    match error.classify() {
        Category::Data => BatchError::NotABatch(diagnosis::of_batch(text, error)),
        Category::Io | Category::Syntax | Category::Eof => BatchError::NotJson(error.to_string()),
    }
}

/// Reads and checks one event of a batch.
///
/// # Errors
/// [`EventRefused`] with every violation.
pub fn decode_event(raw: &RawValue) -> Result<DecodedEvent, EventRefused> {
    let text = raw.get();
    if text.len() > EVENT_BYTES {
        return Err(EventRefused { event_id: None, violations: vec![too_large(text.len())] });
    }
    match quick::event(text) {
        Some(event) => Ok(DecodedEvent { event, unknown_fields: 0 }),
        None => decode_any_event(text),
    }
}

/// Reads and checks an event however it is written.
fn decode_any_event(text: &str) -> Result<DecodedEvent, EventRefused> {
    match read::<Event>(text) {
        Ok((event, unknown_fields)) => match check(&event) {
            Ok(()) => Ok(DecodedEvent { event, unknown_fields }),
            Err(violations) => Err(EventRefused { event_id: event.event_id, violations }),
        },
        Err(error) => Err(diagnosis::of_event(text, &error)),
    }
}

/// The violation of an event whose JSON text has `bytes` bytes, more than an event may have.
pub fn too_large(bytes: usize) -> Violation {
    above(&["the event has "], "", Rule::TooLarge, bytes, " bytes", EVENT_BYTES)
}

/// Reads one JSON object and counts the fields that its type does not know.
fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<(T, u32), serde_json::Error> {
    let mut unknown_fields = 0u32;
    let mut json = serde_json::Deserializer::from_str(text);
    let object: Object<T> = serde_ignored::deserialize(&mut json, |field| {
        if !shorter::is_of_the_head(&field) {
            unknown_fields += 1;
        }
    })?;
    json.end()?;
    Ok((object.0, unknown_fields))
}

/// Checks what a batch says once for all its events, and that they are no more than `most`.
///
/// # Errors
/// [`BatchError::TooManyEvents`], [`BatchError::NotABatch`].
pub fn check_batch(batch: &Batch<'_>, most: usize) -> Result<(), BatchError> {
    let events = batch.events.len();
    if events > most {
        return Err(BatchError::TooManyEvents { events, most });
    }
    let mut found = Vec::new();
    if batch.unconfirmed.len() > UNCONFIRMED_IDS {
        let count = batch.unconfirmed.len();
        let message =
            format!("unconfirmed has {count} batch ids; at most {UNCONFIRMED_IDS} are taken at once");
        found.push(Violation::new("unconfirmed", Rule::TooLarge, message));
    }
    check::id(&mut found, "", "batch_id", batch.batch_id.as_deref());
    for (index, id) in batch.unconfirmed.iter().enumerate().take(UNCONFIRMED_IDS) {
        check::id(&mut found, "unconfirmed.", &index.to_string(), Some(id));
    }
    if let Some(Err(more)) = batch.context.as_ref().map(check_context) {
        found.extend(more);
    }
    if found.is_empty() { Ok(()) } else { Err(BatchError::NotABatch(found)) }
}
