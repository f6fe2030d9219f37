use super::*;
use crate::settings::{PageSettings, SiteSettings};
use crate::stamp::{PageRules, Stamp};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue};
use footfall_event_model::{Client, EventType, Json, check};
use proptest::prelude::*;
use serde_json::Value;

/// The record, and the id of its event.
fn encoded(event: Event, context: Context) -> (Outgoing, String) {
    encoded_for(event, context, &Beside::default(), None)
}

fn encoded_for(
    mut event: Event,
    context: Context,
    beside: &Beside,
    sent_by: Option<&Agent>,
) -> (Outgoing, String) {
    let client = Client { address_policy: "drop", ..Client::default() };
    let stamp = Stamp { received_at: 7, client, user_agent: None, traceparent: None, private: false };
    let pages = PageRules::new(&SiteSettings::default(), &PageSettings::default());
    let seen = Seen { stamp: Cow::Borrowed(&stamp), agent: sent_by, pages: &pages, server: None, site: None };
    let shared = Shared::new("pk", Some("b"), None, context, Priority::Normal, seen).unwrap();
    let mut records = Vec::new();
    let made = shared.encode(&mut event, beside, None, &mut Texts::default(), &mut records).unwrap();
    (records.pop().unwrap(), made.event_id)
}

fn header_of(record: &Outgoing, name: &str) -> Option<String> {
    let found = record.headers.iter().find(|header| header.name == name)?;
    Some(String::from_utf8(found.value.to_vec()).unwrap())
}

proptest! {
    #[test]
    fn whatever_check_accepts_becomes_one_line_of_json_that_says_the_same(
        ids in prop::array::uniform4(prop::option::of("[ -~]{1,12}|[äß漢😀]{1,4}")), timestamp: i64, seq: Option<u64>,
        text in "\\PC{0,8}", kind in prop::sample::select(EventType::ALL.to_vec()),
    ) {
        let [event_id, user_id, anonymous_id, group_id] = ids;
        let group_id = group_id.or((kind == EventType::Group).then(|| "g".to_owned()));
        let properties = format!("{{\n\t\"text\" :\r\n{}}}", serde_json::json!(text));
        let event = Event {
            event_id: event_id.clone(), kind, name: Some("a".to_owned()), timestamp: Some(timestamp), seq,
            user_id: user_id.clone(), group_id: group_id.clone(), previous_id: Some("p".to_owned()),
            properties: Some(Json::parse(properties).unwrap()), ..Event::default()
        };
        prop_assert!(check(&event).is_ok());
        let context = Context { anonymous_id: anonymous_id.clone(), ..Context::default() };
        let (made, given_id) = encoded(event, context);
        prop_assert!(!made.payload.contains(&b'\n') && !made.payload.contains(&b'\r'));
        let record: Value = serde_json::from_slice(&made.payload).unwrap();
        for (field, said) in [("user_id", &user_id), ("anonymous_id", &anonymous_id), ("group_id", &group_id)] {
            prop_assert_eq!(record.get(field).and_then(Value::as_str), said.as_deref());
        }
        prop_assert_eq!(&record["properties"]["text"], &Value::from(text));
        prop_assert_eq!(record.get("original_timestamp").unwrap_or(&record["timestamp"]).as_i64(), Some(timestamp));
        prop_assert_eq!(record["seq"].as_u64(), seq);
        prop_assert_eq!(record["type"].as_str(), Some(kind.as_str()));
        prop_assert_eq!(header_of(&made, "ce_id"), event_id.or(Some(given_id)));
        let key = made.key.map(|key| String::from_utf8(key.to_vec()).unwrap());
        prop_assert_eq!(key, user_id.or(anonymous_id));
    }
}

#[test]
fn a_trace_is_passed_on_in_its_form_and_else_one_begins() {
    let right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (text, passed) in [(right, true), ("00-1-2-01", false), ("", false), (&right.to_uppercase(), false)] {
        let context = Context { traceparent: Some(text.to_owned()), ..Context::default() };
        let told = header_of(&encoded(Event::track("a"), context).0, "traceparent").unwrap();
        assert!(cloud_event::is_traceparent(&told), "{told}");
        assert_eq!(told == text, passed, "{text}");
    }
    // An event's own wins over its batch's, and a begun one is another for each request.
    let own = Context { traceparent: Some(right.to_owned()), ..Context::default() };
    let event = Event { context: Some(Box::new(own)), ..Event::track("a") };
    assert_eq!(header_of(&encoded(event, Context::default()).0, "traceparent").unwrap(), right);
    let begun = || header_of(&encoded(Event::track("a"), Context::default()).0, "traceparent");
    assert_ne!(begun(), begun());
}

#[test]
fn a_visitor_whose_browser_was_not_read_has_not_the_one_of_the_server_that_speaks_for_them() {
    let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static("analytics-node/2"))]);
    let library = Agent::read_now(&headers, true, true);
    assert!(library.is_some());
    let claimed = Beside { user_agent: Some("Visitor/1".to_owned()), ..Beside::default() };
    for (beside, tells) in [(&Beside::default(), true), (&claimed, false)] {
        let (made, _) = encoded_for(Event::track("a"), Context::default(), beside, library.as_ref());
        let record: Value = serde_json::from_slice(&made.payload).unwrap();
        assert_eq!(record.get("user_agent").is_some(), tells, "{record}");
    }
}
