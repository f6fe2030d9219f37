//! What the live view shows of one site: accepted events as they are stored, and what was refused with the reasons.
//! Only so much is shown of refusals in a second, so that a flood of them costs nothing and leaves room for the rest.

use super::LiveEvent;
use crate::log::Sample;
use crate::refusal::Refused;
use bytes::Bytes;
use footfall_event_model::text::cut;
use footfall_event_model::{EventResult, EventStatus, in_one_line};
use serde::Serialize;
use serde_json::value::RawValue;
use std::num::NonZero;
use std::sync::Arc;

/// Accepted batches of one site that are kept in a second while nobody watches.
const UNWATCHED: u64 = 50;
/// Refused events of one site that are shown in a second.
const EVENTS: u64 = 50;
/// Requests of one site that were refused as a whole, and are shown, in a second.
const BATCHES: u64 = 10;
/// Bytes of a refused event's text, and of each thing that is said about it, which may repeat a part of it.
const TEXT_BYTES: usize = 4 * 1024;
const SAID_BYTES: usize = 512;

/// What something is called in the stream (`event:`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event that is durable; its data is the record.
    Accepted,
    /// An event that is not, with the reason.
    Refused,
    /// A request that was refused as a whole, with the reason.
    RefusedBatch,
}

impl Kind {
    /// Its name in the stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::RefusedBatch => "refused_batch",
        }
    }
}

/// One site in the live view.
#[derive(Debug)]
pub struct Site {
    write_key: Arc<str>,
    unwatched: Sample,
    events: Sample,
    batches: Sample,
}

/// A place for one refused event: it is among those of this second that are shown.
#[derive(Debug)]
pub(crate) struct Place {
    /// How many before it were not.
    left_out: Option<NonZero<u64>>,
}

/// What a refused event may show of itself, after masking.
#[derive(Debug, Default)]
pub(crate) struct Visible<'a> {
    /// Its browser.
    pub(crate) anonymous_id: Option<&'a str>,
    /// Its text, which is JSON.
    pub(crate) text: Option<&'a str>,
}

#[derive(Serialize)]
struct RefusedEvent<'a> {
    write_key: &'a str,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    status: EventStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    step: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    /// The beginning of a text that is longer than what is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_cut: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<NonZero<u64>>,
}

#[derive(Serialize)]
struct RefusedBatch<'a> {
    write_key: &'a str,
    request_id: &'a str,
    status: u16,
    code: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<NonZero<u64>>,
}

impl Site {
    pub(crate) fn new(write_key: &str) -> Self {
        let (unwatched, events, batches) = (Sample::of(UNWATCHED), Sample::of(EVENTS), Sample::of(BATCHES));
        Self { write_key: write_key.into(), unwatched, events, batches }
    }

    /// Whether an accepted batch is kept for those who come late, while nobody watches.
    pub(super) fn keeps_unwatched(&self) -> bool {
        self.unwatched.line().is_some()
    }

    /// An accepted event.
    pub(crate) fn accepted(&self, anonymous_id: Option<Arc<str>>, record: Bytes) -> LiveEvent {
        LiveEvent { kind: Kind::Accepted, write_key: Arc::clone(&self.write_key), anonymous_id, data: record }
    }

    /// A place for a refused event, asked for before anything is done for it.
    pub(crate) fn place(&self) -> Option<Place> {
        self.events.line().map(|left_out| Place { left_out: NonZero::new(left_out) })
    }

    /// A refused event, with its entry in the answer and the step that refused it.
    pub(crate) fn refused(
        &self,
        place: Place,
        step: &'static str,
        entry: &EventResult,
        seen: Visible<'_>,
    ) -> Option<LiveEvent> {
        let whole = seen.text.filter(|text| text.len() <= TEXT_BYTES);
        let event = whole.and_then(|text| serde_json::from_str(text).ok());
        let event_cut = seen.text.filter(|_| event.is_none()).map(|text| cut(text, TEXT_BYTES));
        let told = RefusedEvent {
            write_key: &self.write_key,
            index: entry.index,
            event_id: said(&entry.event_id),
            status: entry.status,
            code: said(&entry.code),
            path: said(&entry.path),
            reason: said(&entry.reason),
            step,
            event,
            event_cut,
            left_out: place.left_out,
        };
        self.told(Kind::Refused, seen.anonymous_id, &told)
    }

    /// Events that were not taken and of which no more may be told than the entry in the answer.
    pub(crate) fn unseen<'e>(
        &self,
        step: &'static str,
        entries: impl IntoIterator<Item = &'e EventResult>,
    ) -> Vec<LiveEvent> {
        let shown = |entry| self.refused(self.place()?, step, entry, Visible::default());
        entries.into_iter().filter_map(shown).collect()
    }

    /// A request that was refused as a whole, where it is among those of this second that are shown.
    pub(crate) fn refused_batch(&self, request_id: &str, refused: &Refused) -> Option<LiveEvent> {
        let left_out = NonZero::new(self.batches.line()?);
        let (status, code, reason) = (refused.status().as_u16(), refused.code(), refused.to_string());
        let reason = cut(&reason, SAID_BYTES);
        let told = RefusedBatch { write_key: &self.write_key, request_id, status, code, reason, left_out };
        self.told(Kind::RefusedBatch, None, &told)
    }

    fn told(&self, kind: Kind, anonymous_id: Option<&str>, told: &impl Serialize) -> Option<LiveEvent> {
        let mut data = serde_json::to_vec(told).ok()?;
        in_one_line(&mut data);
        let (write_key, anonymous_id) = (Arc::clone(&self.write_key), anonymous_id.map(Arc::from));
        Some(LiveEvent { kind, write_key, anonymous_id, data: data.into() })
    }
}

fn said(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(|text| cut(text, SAID_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::invalid;
    use footfall_event_model::wire::EventRefused;
    use serde_json::{Value, json};

    fn told(site: &Site, text: Option<&str>) -> Option<Value> {
        let entry = invalid(3, EventRefused { event_id: Some("e".to_owned()), violations: Vec::new() });
        let shown =
            site.refused(site.place()?, "check", &entry, Visible { anonymous_id: Some("a"), text })?;
        assert_eq!((shown.kind, shown.anonymous_id.as_deref()), (Kind::Refused, Some("a")));
        assert!(!shown.data.contains(&b'\n') && !shown.data.contains(&b'\r'));
        Some(serde_json::from_slice(&shown.data).unwrap())
    }

    #[test]
    fn a_refused_event_is_one_line_and_a_long_one_is_cut() {
        let site = Site::new("pk");
        let right = json!({ "write_key": "pk", "index": 3, "event_id": "e", "status": "invalid", "step": "check",
                            "event": { "a": 1 } });
        assert_eq!(told(&site, Some("{\r\n\"a\":\n1}")), Some(right));
        let long = format!(r#"{{"a":"{}"}}"#, "ä".repeat(TEXT_BYTES));
        let shown = told(&site, Some(&long)).unwrap();
        assert_eq!(shown["event"], Value::Null);
        let cut = shown["event_cut"].as_str().unwrap();
        assert!(long.starts_with(cut) && (TEXT_BYTES - 1..=TEXT_BYTES).contains(&cut.len()));
        let shown = told(&site, None).unwrap();
        assert_eq!((&shown["event"], &shown["event_cut"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn of_a_flood_the_first_are_shown_and_another_site_has_places_of_its_own() {
        let (site, other) = (Site::new("pk"), Site::new("pk2"));
        let shown = (0..10_000).filter_map(|_| told(&site, None)).count() as u64;
        // The flood may take more than one second.
        assert!((EVENTS..1000).contains(&shown), "{shown}");
        assert!(told(&other, None).is_some());
        let batch = |_| site.refused_batch("r", &Refused::InFlight);
        let shown = (0..10_000).filter_map(batch).count() as u64;
        assert!((BATCHES..1000).contains(&shown), "{shown}");
    }
}
