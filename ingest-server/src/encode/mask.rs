//! Takes out of a refused event what must not be kept, and leaves the rest of its text as it came.
//! It reads only the outer two levels, and never an event that was accepted.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

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
    /// The browser that its own context names.
    pub(crate) anonymous_id: Option<String>,
    /// The signature in its own context.
    pub(crate) signature: Option<String>,
}

/// Masks one event; `None` where it is no object, in which nobody knows what is an id, and privacy was asked for.
pub(crate) fn mask(raw: &RawValue, private: bool) -> Option<Masked> {
    let Ok(event) = serde_json::from_str::<Members<'_>>(raw.get()) else {
        return (!private).then(|| Masked { text: raw.get().to_owned(), ..Masked::default() });
    };
    let context =
        event.get("context").and_then(|context| serde_json::from_str::<Members<'_>>(context.get()).ok());
    let in_context = |name| context.as_ref().and_then(|context| context.text(name));
    Some(Masked {
        event_id: event.text("event_id"),
        name: event.text("event"),
        user_id: event.text("user_id").or_else(|| in_context("user_id")),
        anonymous_id: in_context("anonymous_id"),
        signature: in_context("user_signature"),
        text: rewritten(raw, &event, private),
    })
}

/// The text without what must not be kept; as it came where there is nothing of that.
fn rewritten(raw: &RawValue, event: &Members<'_>, private: bool) -> String {
    let gone = |name: &str| if private { IDS.contains(&name) } else { name == "user_signature" };
    let mut changed = false;
    let mut text = String::with_capacity(raw.get().len());
    event.write(&mut text, &mut changed, &gone, |text, changed, name, value| {
        match serde_json::from_str::<Members<'_>>(value.get()) {
            Ok(context) if name == "context" => {
                context.write(text, changed, &gone, |text, _, _, value| text.push_str(value.get()));
            }
            _ => text.push_str(value.get()),
        }
    });
    if changed { text } else { raw.get().to_owned() }
}

/// The members of an object in their order, one that is named twice included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The last of that name, which is the one that readers of JSON take.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    fn write(
        &self,
        text: &mut String,
        changed: &mut bool,
        gone: &impl Fn(&str) -> bool,
        value: impl Fn(&mut String, &mut bool, &str, &RawValue),
    ) {
        text.push('{');
        let mut first = true;
        for (name, member) in &self.0 {
            if gone(name) {
                *changed = true;
                continue;
            }
            if !std::mem::take(&mut first) {
                text.push(',');
            }
            text.push_str(&serde_json::Value::from(name.as_str()).to_string());
            text.push(':');
            value(text, changed, name, member);
        }
        text.push('}');
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str, private: bool) -> Option<Masked> {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        mask(&raw, private)
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
