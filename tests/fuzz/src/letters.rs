//! What a dead letter must be, whoever sent its event: the event in the names of its sender, without what must not be kept.

use crate::records::{IDS, Members, line};
use footfall_delivery::Record;
use ingest_server::decode::Shape;
use serde_json::value::RawValue;

/// What a visitor who wants privacy is not known by, in Segment's names; a context has more of that.
const SEGMENT_IDS: [&str; 7] =
    ["userId", "anonymousId", "groupId", "previousId", "traits", "integrations", "user_signature"];
const SEGMENT_CONTEXT_IDS: [&str; 7] =
    ["ip", "userAgent", "groupId", "traits", "device", "integrations", "user_signature"];

/// Holds a dead letter to the promises.
pub(crate) fn dead_letter(shape: Shape, letter: &Record, private: bool) {
    let path = letter.headers.iter().find(|header| header.name == "request_path").map(|header| header.value);
    assert_eq!(path, Some(shape.path().as_bytes()));
    let is_segments = matches!(shape, Shape::Segment(_));
    let members = line(&letter.payload);
    let events = if is_segments { "batch" } else { "events" };
    let events: Vec<&RawValue> = serde_json::from_str(members[events].get()).expect("a letter has events");
    assert!(events.len() <= 1);
    let (of_event, of_context, always): (&[_], &[_], &[_]) = if is_segments {
        (&SEGMENT_IDS, &SEGMENT_CONTEXT_IDS, &["user_signature", "ip"])
    } else {
        (&IDS, &IDS, &["user_signature"])
    };
    let lacks = |members: &Members<'_>, names: &[&str]| names.iter().all(|id| !members.contains_key(*id));
    let context = |of: &Members<'_>| {
        let Some(context) = of.get("context") else { return };
        let Ok(context) = serde_json::from_str::<Members<'_>>(context.get()) else { return };
        assert!(lacks(&context, if private { of_context } else { always }), "ids in a letter's context");
    };
    context(&members);
    for event in events {
        let Ok(event) = serde_json::from_str::<Members<'_>>(event.get()) else { continue };
        assert!(lacks(&event, if private { of_event } else { always }), "ids in a letter");
        context(&event);
    }
}
