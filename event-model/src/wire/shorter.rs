//! The two shorter forms of a batch: one event alone, and an array of events.
//! They are for people at a terminal; what an event must be is the same in all three.

use super::{BatchError, refused};
use crate::Batch;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_ignored::Path;

/// What makes an object an event, and what of a batch's head may stand beside it.
#[derive(Deserialize)]
struct Alone {
    events: Option<IgnoredAny>,
    batch: Option<IgnoredAny>,
    event: Option<IgnoredAny>,
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
    write_key: Option<String>,
    sent_at: Option<i64>,
}

/// A batch of one event, where the text is an object that could be one.
pub(super) fn event(text: &str) -> Option<Batch<'_>> {
    let alone: Alone = serde_json::from_str(text).ok()?;
    let is_event = alone.event.is_some() || alone.kind.is_some();
    if !is_event || alone.events.is_some() || alone.batch.is_some() {
        return None;
    }
    let events = vec![serde_json::from_str(text).ok()?];
    Some(Batch { write_key: alone.write_key, sent_at: alone.sent_at, events, ..Batch::default() })
}

/// A batch of the events in an array.
pub(super) fn array(text: &str) -> Result<Batch<'_>, BatchError> {
    let events = serde_json::from_str(text).map_err(|error| refused(text, &error))?;
    Ok(Batch { events, ..Batch::default() })
}

/// Whether a field that an event does not have was read by [`event`] from beside it.
pub(super) fn is_of_the_head(field: &Path<'_>) -> bool {
    matches!(field, Path::Map { parent: Path::Root, key } if key == "write_key" || key == "sent_at")
}
