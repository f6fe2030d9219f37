//! What a request of Segment's clients says beside its events: the key, the time of sending, a shared context.
//! Analytics for Go gives a batch an id and repeats it when it sends again, so it counts as ours does.

use super::context;
use super::fields::{Fields, Raw};
use crate::decode::Beside;
use footfall_event_model::limits::{BATCH_EVENTS, CONTEXT_BYTES, SEGMENT_BATCH_EVENTS};
use footfall_event_model::wire::{BatchError, check_batch, text_of};
use footfall_event_model::{Batch, JsonKind, Rule, Violation};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Theirs<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
    write_key: Raw<'a>,
    sent_at: Raw<'a>,
    message_id: Raw<'a>,
    context: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Single<'a> {
    #[serde(borrow)]
    write_key: Raw<'a>,
    sent_at: Raw<'a>,
}

/// The head of `POST /v1/batch`, its events as text, whom all of them were sent for, and its context as it came.
///
/// # Errors
/// [`BatchError`], where the batch must be refused as a whole.
pub(in super::super) fn batch(body: &mut [u8]) -> Result<(Batch<'_>, Beside, Raw<'_>), BatchError> {
    let text = object(body)?;
    let theirs: Theirs<'_> = serde_json::from_str(text).map_err(|error| not_a_batch(text, &error))?;
    let Some(events) = theirs.batch else { return Err(without_batch()) };
    let mut fields = Fields::default();
    let shared = context::read(&mut fields, theirs.context);
    let read = Batch {
        write_key: fields.text("writeKey", theirs.write_key),
        sent_at: fields.time("sentAt", theirs.sent_at),
        batch_id: fields.id("messageId", theirs.message_id),
        context: Some(shared.context),
        events,
        ..Batch::default()
    };
    let beside = Beside { original_name: None, user_agent: shared.user_agent, address: shared.ip };
    Ok((whole(fields, read, most_calls(theirs.context))?, beside, theirs.context))
}

/// How many calls a batch may have: as many as Segment takes, but for a large context, which each record repeats: with
/// that they come to no more of it than a batch of our own may.
fn most_calls(context: Raw<'_>) -> usize {
    let context_bytes = context.map_or(0, |context| context.get().len()).max(1);
    (BATCH_EVENTS * CONTEXT_BYTES / context_bytes).clamp(BATCH_EVENTS, SEGMENT_BATCH_EVENTS)
}

/// The head of a call of its own, such as `POST /v1/track`: its body is the event.
///
/// # Errors
/// [`BatchError`], where it must be refused as a whole.
pub(in super::super) fn single(body: &mut [u8]) -> Result<Batch<'_>, BatchError> {
    let text = object(body)?;
    let theirs: Single<'_> = serde_json::from_str(text).map_err(|error| not_a_batch(text, &error))?;
    let event: &RawValue = serde_json::from_str(text).map_err(|error| not_a_batch(text, &error))?;
    let mut fields = Fields::default();
    let read = Batch {
        write_key: fields.text("writeKey", theirs.write_key),
        sent_at: fields.time("sentAt", theirs.sent_at),
        events: vec![event],
        ..Batch::default()
    };
    whole(fields, read, 1)
}

fn whole(fields: Fields, batch: Batch<'_>, most: usize) -> Result<Batch<'_>, BatchError> {
    if !fields.found.is_empty() {
        return Err(BatchError::NotABatch(fields.found));
    }
    check_batch(&batch, most)?;
    Ok(batch)
}

/// The text of a body that is an object.
fn object(body: &mut [u8]) -> Result<&str, BatchError> {
    let text = text_of(body)?;
    match JsonKind::of(text) {
        JsonKind::Object => Ok(text),
        // What is no JSON at all is told so.
        _ => match serde_json::from_str::<&RawValue>(text) {
            Ok(value) => {
                let is = JsonKind::of(value.get()).with_article();
                let message =
                    format!("the body is {is}; it must be an object, as Segment's HTTP API takes it");
                Err(BatchError::NotABatch(vec![Violation::new("", Rule::WrongType, message)]))
            }
            Err(error) => Err(BatchError::NotJson(error.to_string())),
        },
    }
}

fn without_batch() -> BatchError {
    let message = "batch is missing: it is an array of calls, each with its type, such as \
                   {\"type\":\"track\",\"event\":\"Order Completed\",\"userId\":\"42\"}";
    BatchError::NotABatch(vec![Violation::new("batch", Rule::Required, message)])
}

/// Only `batch` can be of a wrong type, and a field can stand twice.
fn not_a_batch(text: &str, error: &serde_json::Error) -> BatchError {
    #[derive(Deserialize)]
    struct Found<'a> {
        #[serde(borrow)]
        batch: Raw<'a>,
    }
    if error.classify() != Category::Data {
        return BatchError::NotJson(error.to_string());
    }
    let found = serde_json::from_str::<Found<'_>>(text).ok().and_then(|found| found.batch);
    let violation = match found.map(|batch| JsonKind::of(batch.get())) {
        Some(kind) if kind != JsonKind::Array => {
            let message = format!("batch is {}; it must be an array of calls", kind.with_article());
            Violation::new("batch", Rule::WrongType, message)
        }
        _ => Violation::new("", Rule::Malformed, error.to_string()),
    };
    BatchError::NotABatch(vec![violation])
}
