//! What must hold of any batch, in whatever shape it came: one verdict for each event, and refusals that name a place and
//! stay short. What a record must be stands in `records`.

use crate::letters::dead_letter;
use crate::records::accepted;
use footfall_event_model::{EventResult, EventStatus, Violation};
use ingest_server::check::AnonymousPolicy;
use ingest_server::decode::Shape;
use ingest_server::fuzzing::{Site, judge};
use ingest_server::refusal::Refused;
use serde_json::Value;
use serde_json::value::RawValue;

/// Bytes of one sentence about what is wrong, and of the place that it names.
const SENTENCE_BYTES: usize = 1024;

/// Reads a batch and holds what becomes of its events to the promises.
pub(crate) fn batch(shape: Shape, text: &mut [u8], site: &Site) {
    let decoded = match shape.batch(text) {
        Ok(decoded) => decoded,
        Err(refused) => return refusal(&refused),
    };
    let events = decoded.batch.events.clone();
    let judged = judge(shape, decoded, site).expect("no sender makes the server fail");

    let mut places: Vec<u32> = judged.records.iter().map(|(place, _)| *place).collect();
    places.extend(judged.entries.iter().map(|entry| entry.index));
    places.sort_unstable();
    assert!(places.iter().copied().eq(0..events.len() as u32), "not one verdict for each event: {places:?}");

    for (place, record) in &judged.records {
        accepted(shape, events[*place as usize], record, site.private);
    }
    for one in &judged.entries {
        entry(shape, events[one.index as usize], one);
    }
    let invalid = judged.entries.iter().filter(|entry| entry.status == EventStatus::Invalid).count();
    assert!(judged.letters.len() <= invalid, "a letter of nothing");
    let keeps_all = site.checks.anonymous == AnonymousPolicy::Accept && !site.private;
    assert!(!keeps_all || judged.letters.len() == invalid);
    for letter in &judged.letters {
        dead_letter(shape, letter, site.private);
    }
}

/// A refusal of a whole request says in words what was wrong, and its answer can be written.
pub(crate) fn refusal(refused: &Refused) {
    let body = refused.body();
    assert!(!body.code.is_empty());
    sentence(&body.reason);
    violations(&body.violations);
    assert!(!matches!(refused, Refused::Internal), "{refused}");
}

fn entry(shape: Shape, raw: &RawValue, entry: &EventResult) {
    assert!(matches!(entry.status, EventStatus::Invalid | EventStatus::Dropped), "{entry:?}");
    assert!(entry.code.as_ref().is_some_and(|code| !code.is_empty()), "{entry:?}");
    sentence(entry.reason.as_deref().unwrap_or_default());
    if entry.status == EventStatus::Invalid {
        let path = entry.path.as_deref().expect("a violation has a path");
        if matches!(shape, Shape::Segment(_)) {
            in_their_names(path);
        }
        violations(&entry.violations);
        if shape == Shape::Events && entry.code.as_deref() == Some("malformed") {
            // A text that another reader takes has a field of a wrong type, which is told by its path.
            let is_twice = entry.reason.as_deref().is_some_and(|reason| reason.contains("duplicate field"));
            assert!(is_twice || serde_json::from_str::<Value>(raw.get()).is_err(), "{raw} {entry:?}");
        }
    }
}

fn violations(all: &[Violation]) {
    assert!(all.len() <= 64, "{} violations of one event", all.len());
    for violation in all {
        assert!(violation.path.len() <= SENTENCE_BYTES, "a path of {} bytes", violation.path.len());
        sentence(&violation.message);
    }
}

fn sentence(text: &str) {
    assert!(!text.is_empty(), "no word about what was wrong");
    assert!(text.len() <= SENTENCE_BYTES, "{} bytes about what was wrong: {text}", text.len());
}

/// Segment's senders know no field of ours.
fn in_their_names(path: &str) {
    let first = path.split('.').next().unwrap_or_default();
    let known = [
        "",
        "type",
        "messageId",
        "event",
        "userId",
        "anonymousId",
        "groupId",
        "previousId",
        "originalTimestamp",
        "timestamp",
        "name",
        "category",
        "properties",
        "traits",
        "context",
    ];
    assert!(known.contains(&first), "{path}");
    let ours = ["context.anonymous_id", "context.session_id", "context.user_id", "context.page_view_id"];
    assert!(!ours.contains(&path), "{path}");
}
