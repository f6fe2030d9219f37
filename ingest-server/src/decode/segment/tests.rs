//! Whatever comes is mapped or refused by its path; nothing panics.

use super::{batch, event, single};
use footfall_event_model::{EventType, check};
use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The fields that are read, at every depth together.
const NAMES: [&str; 28] = [
    "type",
    "messageId",
    "event",
    "userId",
    "anonymousId",
    "groupId",
    "previousId",
    "originalTimestamp",
    "timestamp",
    "sentAt",
    "name",
    "category",
    "properties",
    "traits",
    "context",
    "page",
    "url",
    "screen",
    "locale",
    "timezone",
    "library",
    "version",
    "campaign",
    "consent",
    "categoryPreferences",
    "userAgent",
    "ip",
    "integrations",
];

fn object(fields: BTreeMap<&str, Value>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("")),
        Just(json!("2026-11-23T18:34:36.500Z")),
        Just(json!("Order Completed")),
        prop::sample::select(EventType::ALL.to_vec()).prop_map(|kind| json!(kind.as_str())),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), inner, 0..8).prop_map(object),
        ]
    })
}

fn any_call() -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), any_value(), 0..10);
    let kind = prop::option::of(prop::sample::select(EventType::ALL.to_vec()));
    (fields, kind).prop_map(|(fields, kind)| {
        let mut call = object(fields);
        if let Some(kind) = kind {
            call["type"] = json!(kind.as_str());
        }
        call
    })
}

/// The value at a dotted path, or in a batch's own words: `context.page.url`.
fn at<'a>(call: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(call, |value, name| value.get(name))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]
    #[test]
    fn any_call_is_mapped_or_refused_by_its_path(call in any_call()) {
        let raw = to_raw_value(&call).unwrap();
        match event(None, &raw) {
            Ok(read) => {
                prop_assert!(check(&read.event).is_ok());
                prop_assert_eq!(call["type"].as_str(), Some(read.event.kind.as_str()));
                if let Some(original) = &read.beside.original_name {
                    prop_assert_eq!(call["event"].as_str(), Some(original.as_str()));
                }
            }
            Err(refused) => {
                prop_assert!(!refused.violations.is_empty());
                for violation in &refused.violations {
                    let missing = ["type", "event", "groupId", "previousId"].contains(&violation.path.as_str());
                    let is_there = at(&call, &violation.path).is_some();
                    prop_assert!(missing || is_there, "{} in {}", violation.path, call);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..128), text in r#"[\[\]{}":,a-z0-9\\ ]{0,64}"#,
    ) {
        for mut body in [bytes, text.into_bytes()] {
            let _ = batch(&mut body.clone());
            if let Ok(batch) = single(&mut body) {
                for raw in batch.events {
                    let _ = event(Some(EventType::Track), raw);
                }
            }
        }
    }
}

#[test]
fn nesting_beyond_all_bounds_is_refused_in_words() {
    let bomb = format!(r#"{{"type":"page","properties":{}1{}}}"#, "{\"a\":".repeat(4000), "}".repeat(4000));
    let raw: Box<RawValue> = RawValue::from_string(bomb).unwrap();
    assert_eq!(event(None, &raw).unwrap_err().violations[0].path, "properties");
    let long = format!(r#"{{"type":"page","properties":{{"a":"{}"}}}}"#, "x".repeat(33_000));
    let raw = RawValue::from_string(long).unwrap();
    assert!(event(None, &raw).unwrap_err().violations[0].message.starts_with("the event has 33"));
}
