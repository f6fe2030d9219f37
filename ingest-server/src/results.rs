//! The entries of an answer: what is said of each event that was not simply accepted.
//! What became of the events is decided in `judge` and by delivery; here it is only worded.

use crate::judge::Source;
use footfall_delivery::{Position, Receipt, RecordFailure, Stored};
use footfall_event_model::wire::EventRefused;
use footfall_event_model::{Answer, EventResult, EventStatus, StoredIn};
use std::sync::Arc;

/// The entry of an event that broke a rule.
pub(crate) fn invalid(index: u32, refused: EventRefused) -> EventResult {
    let EventRefused { event_id, violations } = refused;
    let (code, path, reason) = violations.first().map_or((None, None, None), |first| {
        (Some(first.rule.code().to_owned()), Some(first.path.clone()), Some(first.message.clone()))
    });
    let violations = if violations.len() > 1 { violations } else { Vec::new() };
    EventResult { event_id, code, path, reason, violations, ..entry(index, EventStatus::Invalid) }
}

/// The entry of an event that an earlier copy of its batch stored.
pub(crate) fn duplicate(index: u32, event_id: Option<String>) -> EventResult {
    EventResult { event_id, ..entry(index, EventStatus::Duplicate) }
}

/// The entry of an event that a policy of the site dropped.
pub(crate) fn dropped(index: u32, event_id: Option<String>, code: &str, reason: &str) -> EventResult {
    let (code, reason) = (Some(code.to_owned()), Some(reason.to_owned()));
    EventResult { event_id, code, reason, ..entry(index, EventStatus::Dropped) }
}

/// The answer to a batch of a visitor who wants no tracking, on a site that keeps nothing of such.
pub(crate) fn all_dropped(events: usize, signal: &'static str) -> Answer {
    let header = if signal == "gpc" { "Sec-GPC: 1" } else { "DNT: 1" };
    let each = |index| EventResult {
        code: Some(signal.to_owned()),
        reason: Some(format!(
            "the visitor's browser sent {header}, and the site keeps no events of such visitors"
        )),
        ..entry(index, EventStatus::Dropped)
    };
    let events: Vec<_> = (0u32..).take(events).map(each).collect();
    Answer { code: "partial".to_owned(), dropped: events.len() as u32, events, ..Answer::default() }
}

fn entry(index: u32, status: EventStatus) -> EventResult {
    EventResult {
        index,
        event_id: None,
        status,
        code: None,
        path: None,
        reason: None,
        violations: Vec::new(),
        topic: None,
        partition: None,
        offset: None,
    }
}

/// The entry of an event that was taken and then not stored.
pub(crate) fn failed(answer: &mut Answer, source: Source, failure: RecordFailure) {
    let status = if failure.retry {
        answer.retry += 1;
        EventStatus::Retry
    } else {
        answer.invalid += 1;
        EventStatus::Invalid
    };
    answer.events.push(EventResult {
        event_id: Some(source.event_id),
        code: Some(failure.code.to_owned()),
        reason: Some(failure.reason),
        ..entry(source.index, status)
    });
}

/// Says where each accepted event is, for a caller who asked.
pub(crate) fn say_where(answer: &mut Answer, sources: &[Source], topics: &[Topic], receipt: &Receipt) {
    let positions = match &receipt.stored {
        Stored::Journal => {
            answer.stored = Some(StoredIn::Journal);
            return;
        }
        Stored::Memory => {
            answer.stored = Some(StoredIn::Memory);
            return;
        }
        Stored::Kafka(positions) => positions,
    };
    answer.stored = Some(StoredIn::Kafka);
    let places = sources.iter().zip(topics).zip(positions);
    answer.events.extend(places.map(|((source, topic), position)| at(source, topic.as_ref(), *position)));
}

/// The topic of a record that goes to another one than the rest.
pub(crate) type Topic = Option<Arc<str>>;

/// The entry of an accepted event whose place was asked for.
pub(crate) fn at(source: &Source, topic: Option<&Arc<str>>, position: Position) -> EventResult {
    EventResult {
        event_id: Some(source.event_id.clone()),
        topic: topic.map(|topic| topic.to_string()),
        partition: Some(position.partition),
        offset: Some(position.offset),
        ..entry(source.index, EventStatus::Accepted)
    }
}
