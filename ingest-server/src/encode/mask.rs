//! Takes out of a refused event what must not be kept, and leaves the rest of its text as it came.
//! It reads only the outer two levels, and never an event that was accepted.

mod segment;

use super::members::{Members, ObjectText};
use crate::decode::Shape;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Who must not be told where privacy was asked for (`encode`'s rule, here for fields of any type).
const IDS: [&str; 8] = [
    "anonymous_id",
    "group_id",
    "page_view_id",
    "previous_id",
    "session_id",
    "traits",
    "user_id",
    "user_signature",
];

/// A refused event as it may be kept, and what it says of itself.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Masked {
    pub(crate) text: String,
    pub(crate) event_id: Option<String>,
    pub(crate) name: Option<String>,
    /// The user that the event itself names, or its own context.
    pub(crate) user_id: Option<String>,
    /// The browser that the event itself names.
    pub(crate) anonymous_id: Option<String>,
    /// The signature in its own context.
    pub(crate) signature: Option<String>,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Event,
    Context,
}

/// Masks one event; `None` where it is no object, in which nobody knows what is an id, and privacy was asked for.
pub(crate) fn mask(shape: Shape, raw: &RawValue, private: bool) -> Option<Masked> {
    let Some(event) = Members::of(raw) else {
        return (!private).then(|| Masked { text: raw.get().to_owned(), ..Masked::default() });
    };
    let context = event.get("context").and_then(Members::of);
    let in_context = |name| context.as_ref().and_then(|context| context.text(name));
    if let Shape::Segment(_) = shape {
        return Some(Masked {
            signature: in_context("user_signature"),
            text: without(raw, &event, |place, name| segment::goes(place, name, private)),
            ..segment::said(&event)
        });
    }
    Some(Masked {
        event_id: event.text("event_id"),
        name: event.text("event"),
        user_id: event.text("user_id").or_else(|| in_context("user_id")),
        anonymous_id: in_context("anonymous_id"),
        signature: in_context("user_signature"),
        text: without(
            raw,
            &event,
            |_, name| {
                if private { IDS.contains(&name) } else { name == "user_signature" }
            },
        ),
    })
}

/// Masks what a batch of Segment's clients says of all its calls; `None` where it is no object.
pub(super) fn mask_segment_context(raw: &RawValue, private: bool) -> Option<Cow<'_, str>> {
    let context = Members::of(raw)?;
    Some(kept(raw, &context, |name| segment::goes(Place::Context, name, private), as_it_came))
}

/// The text of an event without what must go.
fn without<'a>(raw: &'a RawValue, event: &Members<'a>, goes: impl Fn(Place, &str) -> bool) -> String {
    fn in_context<'a>(value: &'a RawValue, goes: impl Fn(&str) -> bool) -> Cow<'a, str> {
        Members::of(value)
            .map_or_else(|| value.get().into(), |context| kept(value, &context, goes, as_it_came))
    }
    let in_event = |name: &str| goes(Place::Event, name);
    kept(raw, event, in_event, |name, value| match name {
        "context" => in_context(value, |name| goes(Place::Context, name)),
        _ => as_it_came(name, value),
    })
    .into_owned()
}

/// The text of an object without some members, the others as `value` has them; as it came where that changes nothing.
fn kept<'a>(
    raw: &'a RawValue,
    members: &Members<'a>,
    goes: impl Fn(&str) -> bool,
    value: impl Fn(&str, &'a RawValue) -> Cow<'a, str>,
) -> Cow<'a, str> {
    let mut changed = false;
    let mut text = ObjectText::sized(raw.get().len());
    for (name, member) in members.iter() {
        if goes(name) {
            changed = true;
            continue;
        }
        let member = value(name, member);
        changed |= matches!(member, Cow::Owned(_));
        text.push(name, &member);
    }
    if changed { text.closed().into() } else { raw.get().into() }
}

fn as_it_came<'a>(_: &str, value: &'a RawValue) -> Cow<'a, str> {
    value.get().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str, private: bool) -> Option<Masked> {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        mask(Shape::Events, &raw, private)
    }

    #[test]
    fn what_need_not_go_stays_as_it_came() {
        let text =
            r#"{ "event" : "Post View", "n": 1.50e3, "n": 2, "event_id":"e", "context": {"locale":1} }"#;
        let kept = masked(text, false).unwrap();
        assert_eq!(kept.text, text);
        assert_eq!((kept.event_id.as_deref(), kept.name.as_deref()), (Some("e"), Some("Post View")));
        for other in ["[1, 2]", "\"text\"", "null", "7"] {
            assert_eq!(masked(other, false).unwrap().text, other);
            assert_eq!(masked(other, true), None);
        }
    }

    #[test]
    fn a_signature_goes_however_its_name_is_written_and_ids_go_with_privacy() {
        let text = r#"{"event":"B","user_id":"ada","traits":{"a":1},"user_signature":"s",
            "context":{"user_s\u0069gnature":"s","session_id":7,"locale":"de"},"context":{"user_signature":"t"}}"#;
        let kept = masked(text, false).unwrap();
        assert_eq!(
            kept.text,
            r#"{"event":"B","user_id":"ada","traits":{"a":1},"context":{"session_id":7,"locale":"de"},"context":{}}"#
        );
        assert_eq!((kept.user_id.as_deref(), kept.signature.as_deref()), (Some("ada"), Some("t")));
        let kept = masked(text, true).unwrap();
        assert_eq!(kept.text, r#"{"event":"B","context":{"locale":"de"},"context":{}}"#);
    }

    #[test]
    fn an_address_and_a_signature_go_of_a_segment_call_however_often_they_are_named() {
        let text = r#"{ "event":"A B", "userId":42, "anonymousId":"", "messageId":"m", "ip":"1.2.3.4",
            "context":{"i\u0070":"203.0.113.9"}, "context":{"ip":1,"user_signature":"s","ip":2,"os":{"ip":3}} }"#;
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        let kept = mask(Shape::Segment(None), &raw, false).unwrap();
        let right = r#"{"event":"A B","userId":42,"anonymousId":"","messageId":"m","context":{},"context":{"os":{"ip":3}}}"#;
        assert_eq!(kept.text, right);
        let said = [kept.name, kept.event_id, kept.user_id, kept.anonymous_id, kept.signature];
        assert_eq!(
            said.each_ref().map(Option::as_deref),
            [Some("A B"), Some("m"), Some("42"), None, Some("s")]
        );
        let kept = mask(Shape::Segment(None), &raw, true).unwrap();
        assert_eq!(kept.text, r#"{"event":"A B","messageId":"m","context":{},"context":{}}"#);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_json_without_what_had_to_go(
            names in prop::collection::vec(prop::sample::select(vec!["user_id", "user_signature", "event", "context", "x\"y"]), 0..6),
            value in prop::sample::select(vec!["1", "\"a\"", "null", "[]", r#"{"user_signature":"secret","a":{}}"#]), private: bool,
        ) {
            let members: Vec<_> = names.iter().map(|name| format!("{}:{value}", serde_json::Value::from(*name))).collect();
            let kept = masked(&format!("{{{}}}", members.join(",")), private).unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&kept.text).unwrap();
            prop_assert!(parsed.get("user_signature").is_none());
            prop_assert!(parsed.get("context").is_none_or(|context| context.get("user_signature").is_none()));
            prop_assert!(!private || parsed.get("user_id").is_none());
        }
    }
}
