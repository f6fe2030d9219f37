//! The wire form as a sender meets it: what is read, what is refused, and in which words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
use footfall_event_model::wire::{BatchError, decode_batch, decode_event};
use footfall_event_model::{Context, Event, EventType, Json, Page, Rule, Sdk, check, limits};
use proptest::prelude::*;
use serde_json::value::RawValue;

fn batch_error(body: &str) -> BatchError {
    decode_batch(&mut body.as_bytes().to_vec()).unwrap_err()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// `(path, rule, sentence)` of everything that is wrong with an event.
fn wrong(text: &str) -> Vec<(String, Rule, String)> {
    let refused = decode_event(&raw(text)).unwrap_err();
    refused.violations.into_iter().map(|v| (v.path, v.rule, v.message)).collect()
}

#[test]
fn every_field_of_the_wire_form_is_read_and_unknown_ones_are_counted() {
    let mut body = br#"{
        "write_key": "pk_demo", "sent_at": 1795458876617, "batch_id": "b", "unconfirmed": ["c"], "colour": 1,
        "context": {"anonymous_id": "a", "session_id": "s", "user_id": "u", "user_signature": "x", "group_id": "g",
            "page_view_id": "p", "page": {"url": "https://f/", "path": "/", "title": "F", "referrer": "", "new": 1},
            "screen": {"width": 1}, "locale": "en", "timezone": "UTC", "sdk": {"name": "n", "version": "v"},
            "consent": {"ads": false}, "sample_rate": 1, "traceparent": "00-1-2-01", "shoe_size": 43},
        "events": [{"event": "post_view", "properties": {"post_id": 1}, "mood": "good"}, 5]
    }"#
    .to_vec();
    let decoded = decode_batch(&mut body).unwrap();
    assert_eq!(decoded.unknown_fields, 3);
    assert_eq!(decoded.batch.write_key.as_deref(), Some("pk_demo"));
    assert_eq!(decoded.batch.sent_at, Some(1_795_458_876_617));
    let context = decoded.batch.context.unwrap();
    assert_eq!(context.screen.unwrap().text(), r#"{"width": 1}"#);
    assert_eq!(context.page.unwrap().path.as_deref(), Some("/"));

    let first = decode_event(decoded.batch.events[0]).unwrap();
    assert_eq!(first.unknown_fields, 1);
    assert_eq!(first.event.properties.unwrap().text(), r#"{"post_id": 1}"#);
    assert!(decode_event(decoded.batch.events[1]).is_err(), "its neighbour is judged on its own");
}

#[test]
fn a_batch_that_cannot_be_read_is_refused_with_its_reason() {
    assert_eq!(batch_error(""), BatchError::Empty);
    assert_eq!(batch_error(" \n"), BatchError::Empty);
    assert_eq!(batch_error("{oops").code(), "not_json");
    assert!(batch_error("{oops").to_string().contains("line 1 column 2"));
    assert_eq!(batch_error("{\"events\":[]").code(), "not_json");
    assert!(batch_error("7").to_string().starts_with("the body is the number 7; send a batch such as {"));
    assert!(batch_error("[1,").to_string().starts_with("the body is not JSON: EOF while parsing"));
    assert!(
        batch_error("{}").to_string().starts_with("events is missing: send a batch such as {\"events\":[")
    );
    assert!(batch_error(r#"{"batch":[],"type":"x"}"#).to_string().ends_with("they post to /v1/batch"));
    assert_eq!(
        batch_error(r#"{"events":5}"#).to_string(),
        "events is the number 5; it must be an array of events"
    );
    assert_eq!(
        decode_batch(&mut b"{\"events\":[\"\xff\"]}".to_vec()).unwrap_err(),
        BatchError::NotUtf8 { at: 12 }
    );
    let many = format!("{{\"events\":[{}]}}", vec!["{}"; limits::BATCH_EVENTS + 1].join(","));
    assert_eq!(batch_error(&many), BatchError::TooManyEvents { events: 501, most: 500 });
    assert_eq!(batch_error(&" ".repeat(limits::BATCH_BYTES + 1)), BatchError::TooLarge);
}

#[test]
fn one_event_and_an_array_of_events_are_batches() {
    let mut one = *br#" {"write_key":"pk","sent_at":5,"event":"a","seq":1,"odd":0} "#;
    let decoded = decode_batch(&mut one).unwrap();
    let head = (decoded.batch.write_key.as_deref(), decoded.batch.sent_at, decoded.batch.events.len());
    assert_eq!(head, (Some("pk"), Some(5), 1));
    let event = decode_event(decoded.batch.events[0]).unwrap();
    assert_eq!((event.event.seq, event.unknown_fields), (Some(1), 1), "the head's fields are known");

    let mut wrong = *br#"{"event":"a","context":7}"#;
    let decoded = decode_batch(&mut wrong).unwrap();
    assert_eq!(decode_event(decoded.batch.events[0]).unwrap_err().violations[0].path, "context");

    let mut many = *br#"[{"event":"a"},7,{"type":"page"}]"#;
    let decoded = decode_batch(&mut many).unwrap();
    let taken = decoded.batch.events.iter().map(|raw| decode_event(raw).is_ok()).collect::<Vec<_>>();
    assert_eq!(taken, [true, false, true]);
    let mut full = format!("[{}]", vec!["{}"; 501].join(",")).into_bytes();
    assert_eq!(decode_batch(&mut full).unwrap_err(), BatchError::TooManyEvents { events: 501, most: 500 });
}

#[test]
fn all_that_is_wrong_with_a_batch_is_told_at_once() {
    let BatchError::NotABatch(found) =
        batch_error(r#"{"sent_at":1.5,"dropped":4294967296,"context":{"page":[]},"events":[]}"#)
    else {
        panic!("not a batch")
    };
    let told: Vec<_> = found.iter().map(|violation| violation.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "sent_at is the number 1.5; it must be a whole number of milliseconds since 1970, such as 1795458876500",
            "dropped is the number 4294967296; it must be a whole number from 0 to 4294967295",
            "context.page is an array; it must be an object",
        ]
    );
    let BatchError::NotABatch(found) = batch_error(r#"{"unconfirmed":["a",""],"events":[]}"#) else {
        panic!("not a batch")
    };
    assert_eq!((found[0].path.as_str(), found[0].rule), ("unconfirmed.1", Rule::Empty));
}

#[test]
fn all_that_is_wrong_with_an_event_is_told_at_once_types_and_rules_together() {
    let told = wrong(
        r#"{"event_id":"e","event":7,"timestamp":"now","user_id":"","properties":[],"context":{"page":{"url":1}}}"#,
    );
    let expected = [
        ("event", Rule::WrongType, "event is the number 7; it must be a string"),
        (
            "timestamp",
            Rule::WrongType,
            "timestamp is a string; it must be a whole number of milliseconds since 1970, such as 1795458876500",
        ),
        ("properties", Rule::WrongType, "properties is an array; it must be an object"),
        ("context.page.url", Rule::WrongType, "context.page.url is the number 1; it must be a string"),
        ("user_id", Rule::Empty, "user_id is empty; leave it out or give it a value"),
    ];
    assert_eq!(told, expected.map(|(path, rule, message)| (path.to_owned(), rule, message.to_owned())));
}

#[test]
fn odd_events_are_refused_in_words() {
    assert_eq!(wrong("5")[0].2, "the event is the number 5; it must be an object");
    assert_eq!(
        wrong(r#"{"type":"tracking"}"#)[0].2,
        "type is \"tracking\"; it must be one of track, page, screen, identify, group, alias"
    );
    assert_eq!(wrong(r#"{"event":"a","event":"b"}"#)[0].1, Rule::Malformed);
    let long = format!(r#"{{"event":"a","properties":{{"a":"{}"}}}}"#, "x".repeat(limits::EVENT_BYTES));
    assert_eq!(wrong(&long)[0].1, Rule::TooLarge);
    let bomb = format!(r#"{{"event":"a","properties":{}{}}}"#, "[".repeat(15_000), "]".repeat(15_000));
    assert_eq!(wrong(&bomb)[0].1, Rule::WrongType);
    let nested = format!(r#"{{"event":"a","properties":{}1{}}}"#, "{\"a\":".repeat(5_000), "}".repeat(5_000));
    assert_eq!(wrong(&nested)[0].1, Rule::TooDeep);
}

#[test]
fn null_stands_for_a_missing_field() {
    let event =
        decode_event(&raw(r#"{"event":"a","user_id":null,"properties":null,"context":null}"#)).unwrap().event;
    assert_eq!(event, Event::track("a"));
}

#[test]
fn half_an_emoji_costs_no_event() {
    let mut body = br#"{"events":[{"event":"a","user_id":"\ud83d"}]}"#.to_vec();
    let decoded = decode_batch(&mut body).unwrap();
    let event = decode_event(decoded.batch.events[0]).unwrap().event;
    assert_eq!(event.user_id.as_deref(), Some("\u{fffd}"));
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{0,24}")
}

fn any_object(depth: u32) -> impl Strategy<Value = Option<Json>> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(depth, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::hash_map(".{0,8}", inner, 0..6)
                .prop_map(|map| serde_json::Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    });
    // On the wire `null` is a missing field, so there is no event that holds it.
    value.prop_map(|value| (!value.is_null()).then(|| Json::parse(value.to_string()).unwrap()))
}

prop_compose! {
    fn any_context()(
        ids in prop::array::uniform7(any_text()), page in prop::option::of(prop::array::uniform4(any_text())),
        sdk in prop::option::of((any_text(), any_text())), bags in (any_object(10), any_object(10), any_object(10)),
        texts in (any_text(), any_text()), sample_rate in prop::option::of("0\\.[0-9]{0,4}|1|[2-9]"),
    ) -> Context {
        let [anonymous_id, session_id, user_id, user_signature, group_id, page_view_id, traceparent] = ids;
        Context {
            anonymous_id, session_id, user_id, user_signature, group_id, page_view_id, traceparent,
            sample_rate: sample_rate.and_then(|rate| Json::parse(rate).ok()),
            page: page.map(|[url, path, title, referrer]| Page { url, path, title, referrer }),
            sdk: sdk.map(|(name, version)| Sdk { name, version }),
            screen: bags.0, consent: bags.1, campaign: bags.2, locale: texts.0, timezone: texts.1,
        }
    }
}

prop_compose! {
    fn any_event()(
        kind in prop::sample::select(EventType::ALL.to_vec()), name in prop::option::of("[a-z][a-z0-9_.: ]{0,12}"),
        ids in prop::array::uniform4(any_text()), timestamp in any::<Option<i64>>(), seq in any::<Option<u64>>(),
        bags in (any_object(10), any_object(10)), context in prop::option::of(any_context().prop_map(Box::new)),
        flags in any::<(Option<bool>, Option<bool>)>(),
    ) -> Event {
        let [event_id, user_id, group_id, previous_id] = ids;
        Event {
            event_id, kind, name, timestamp, seq, user_id, group_id, previous_id, properties: bags.0, traits: bags.1,
            context, key_event: flags.0, possible_duplicate: flags.1,
        }
    }
}

proptest! {
    #[test]
    fn whatever_check_accepts_makes_the_trip_over_the_wire(event in any_event()) {
        let verdict = check(&event);
        let text = serde_json::to_string(&event).unwrap();
        match (verdict, decode_event(&raw(&text))) {
            (Ok(()), Ok(decoded)) => {
                prop_assert_eq!(&decoded.event, &event);
                prop_assert_eq!(decoded.unknown_fields, 0);
            }
            (Err(expected), Err(refused)) => prop_assert_eq!(refused.violations, expected),
            (verdict, decoded) => prop_assert!(false, "check said {verdict:?}, the decoder {decoded:?} of {text}"),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode_batch(&mut bytes);
    }

    #[test]
    fn any_json_is_read_or_refused_without_a_panic(value in any_object(6)) {
        if let Some(value) = value {
            prop_assert!(decode_event(&raw(value.text())).map_err(|refused| refused.violations.is_empty()) != Err(true));
        }
    }
}
