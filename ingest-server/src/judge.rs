//! The steps "check" and "encode", event by event: what goes to delivery, and what is answered without it.
//! A broken event harms no other, and what an earlier copy of the batch stored is not stored again.

use crate::decode::Shape;
use crate::encode::{EncodeError, Shared};
use crate::receipts::EventSet;
use crate::refusal::Refused;
use crate::results::{duplicate, invalid};
use footfall_delivery::Record;
use footfall_event_model::EventResult;
use serde_json::value::RawValue;

/// What became of the events of one batch before delivery.
#[derive(Default)]
pub(crate) struct Judged {
    /// The records to deliver, in the order of the batch.
    pub(crate) records: Vec<Record>,
    /// For each record: the event's place in the batch, its id, and the browser.
    pub(crate) sources: Vec<Source>,
    /// One entry for each event that is not delivered.
    pub(crate) entries: Vec<EventResult>,
    pub(crate) duplicate: u32,
    pub(crate) invalid: u32,
    pub(crate) unknown_fields: u32,
}

/// Where a record came from.
pub(crate) struct Source {
    pub(crate) index: u32,
    pub(crate) event_id: String,
    pub(crate) anonymous_id: Option<String>,
}

/// The events of a batch that are stored already.
#[derive(Clone, Copy)]
pub(crate) enum Before {
    /// All of them.
    All,
    /// These.
    Some(EventSet),
}

impl Before {
    fn contains(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(set) => set.contains(index),
        }
    }
}

/// Reads, checks and encodes the events of a batch, each on its own.
///
/// # Errors
/// [`Refused::Internal`] where a checked event cannot be encoded.
pub(crate) fn judge(
    shape: Shape,
    events: &[&RawValue],
    shared: &Shared<'_>,
    before: Before,
) -> Result<Judged, Refused> {
    let mut judged = Judged::default();
    if let Before::Some(_) = before {
        judged.records.reserve_exact(events.len());
        judged.sources.reserve_exact(events.len());
    }
    for (index, raw) in (0u32..).zip(events) {
        match shape.event(raw) {
            Ok(decoded) if before.contains(index) => {
                judged.duplicate += 1;
                judged.entries.push(duplicate(index, decoded.event.event_id));
            }
            Ok(decoded) => {
                judged.unknown_fields += decoded.unknown_fields;
                let encoded =
                    shared.encode(decoded.event, &decoded.beside).map_err(|error| defect(&error))?;
                judged.records.push(encoded.record);
                let (event_id, anonymous_id) = (encoded.event_id, encoded.anonymous_id);
                judged.sources.push(Source { index, event_id, anonymous_id });
            }
            Err(refused) => {
                judged.invalid += 1;
                judged.entries.push(invalid(index, refused));
            }
        }
    }
    Ok(judged)
}

/// Nothing a sender does leads here; the operator finds the cause in the log.
pub(crate) fn defect(error: &EncodeError) -> Refused {
    tracing::error!(%error, "a checked event could not be encoded");
    Refused::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Stamp;
    use footfall_delivery::Priority;
    use footfall_event_model::{Client, Context, EventStatus};

    #[test]
    fn only_what_no_copy_stored_is_delivered_and_a_broken_event_stays_broken() {
        let texts =
            [r#"{"event":"a","event_id":"e0"}"#, r#"{"event":"B"}"#, r#"{"event":"c"}"#, r#"{"event":"d"}"#];
        let events: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let stamp = Stamp { received_at: 7, client: Client::default(), user_agent: None, private: false };
        let shared =
            Shared::new("pk", Some("b"), None, Context::default(), Priority::Normal, &stamp).unwrap();
        let mut stored = EventSet::default();
        stored.insert(0);
        stored.insert(1);
        stored.insert(3);
        for (before, delivered, duplicate) in [
            (Before::Some(EventSet::default()), vec![0, 2, 3], 0),
            (Before::Some(stored), vec![2], 2),
            (Before::All, vec![], 3),
        ] {
            let judged = judge(Shape::Events, &events, &shared, before).unwrap();
            let indexes: Vec<_> = judged.sources.iter().map(|source| source.index).collect();
            assert_eq!((indexes, judged.duplicate, judged.invalid), (delivered, duplicate, 1));
            assert_eq!(judged.records.len() + judged.entries.len(), 4);
            if duplicate > 0 {
                let first = &judged.entries[0];
                assert_eq!((first.status, first.event_id.as_deref()), (EventStatus::Duplicate, Some("e0")));
            }
        }
    }
}
