//! The entries of an answer: what is said of each event that was not simply accepted.
//! What became of the events is decided in `judge` and by delivery; here it is only worded.

use crate::judge::Source;
use footfall_delivery::{Position, Receipt, RecordFailure, Stored};
use footfall_event_model::wire::EventRefused;
use footfall_event_model::{Answer, EventResult, EventStatus, StoredIn};

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

/// The entry of an event that a policy of its site dropped.
pub(crate) fn dropped(index: u32, event_id: Option<String>, code: &str) -> EventResult {
    EventResult { event_id, code: Some(code.to_owned()), ..entry(index, EventStatus::Dropped) }
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
pub(crate) fn say_where(answer: &mut Answer, sources: &[Source], receipt: &Receipt) {
    let positions = match &receipt.stored {
        Stored::Journal => {
            answer.stored = Some(StoredIn::Journal);
            return;
        }
        Stored::Kafka(positions) => positions,
    };
    answer.stored = Some(StoredIn::Kafka);
    answer.events.extend(sources.iter().zip(positions).map(|(source, position)| at(source, *position)));
}

/// The entry of an accepted event whose place was asked for.
pub(crate) fn at(source: &Source, position: Position) -> EventResult {
    EventResult {
        event_id: Some(source.event_id.clone()),
        partition: Some(position.partition),
        offset: Some(position.offset),
        ..entry(source.index, EventStatus::Accepted)
    }
}
