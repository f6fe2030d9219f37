//! Each rule of an event, and how a violation of it is told.

use super::*;
use crate::Context;
use crate::limits::CONTEXT_BYTES;

fn json(text: &str) -> Json {
    Json::parse(text.to_owned()).unwrap()
}

fn rules(event: &Event) -> Vec<(String, Rule)> {
    check(event).err().unwrap_or_default().into_iter().map(|v| (v.path, v.rule)).collect()
}

#[test]
fn a_long_name_is_told_cut() {
    let message = &check(&Event::track("Ä".repeat(33))).unwrap_err()[0].message;
    assert!(message.starts_with(&format!("event name \"{}\"… is not allowed", "Ä".repeat(32))), "{message}");
    assert!(message.ends_with("':', at most 64 in all, such as \"post_view\""), "{message}");
}

#[test]
fn a_name_with_a_space_is_refused_in_words() {
    let refused = check(&Event::track("Post View")).unwrap_err();
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].message.starts_with("event name \"Post View\" is not allowed: use a lower-case letter")
    );
}

#[test]
fn names_are_held_to_their_form_and_length() {
    for good in ["a", "post_view", "a1.b:c_d", &"a".repeat(64)] {
        assert!(check(&Event::track(good)).is_ok(), "{good}");
    }
    for bad in ["", "1a", "_a", "A", "a-b", "ä", "a\n", &"a".repeat(65)] {
        assert_eq!(rules(&Event::track(bad)), [("event".to_owned(), Rule::BadName)], "{bad}");
    }
}

#[test]
fn each_type_needs_what_it_is_about() {
    for kind in EventType::ALL {
        let event = Event { kind, ..Event::default() };
        let missing = match kind {
            EventType::Track => Some("event"),
            EventType::Group => Some("group_id"),
            EventType::Alias => Some("previous_id"),
            _ => None,
        };
        let expected: Vec<_> = missing.map(|path| (path.to_owned(), Rule::Required)).into_iter().collect();
        assert_eq!(rules(&event), expected, "{kind:?}");
    }
    let told = check(&Event { kind: EventType::Alias, ..Event::default() }).unwrap_err();
    assert_eq!(told[0].message, "previous_id is missing: an event of type alias needs it");
}

#[test]
fn every_violation_is_told_at_once() {
    let event = Event {
        event_id: Some(String::new()),
        user_id: Some("u".repeat(257)),
        properties: Some(json("[1]")),
        traits: Some(json(&format!("{{\"a\":{}{}}}", "[".repeat(9), "]".repeat(9)))),
        context: Some(Box::new(Context { sample_rate: Some(json("1.5")), ..Context::default() })),
        ..Event::default()
    };
    let expected = [
        ("event_id", Rule::Empty),
        ("event", Rule::Required),
        ("user_id", Rule::TooLong),
        ("properties", Rule::WrongType),
        ("traits", Rule::TooDeep),
        ("context.sample_rate", Rule::OutOfRange),
    ];
    assert_eq!(rules(&event), expected.map(|(path, rule)| (path.to_owned(), rule)));
}

#[test]
fn a_sample_rate_is_a_share() {
    for (text, fine) in [
        ("1", true),
        ("1.0", true),
        ("0.25", true),
        ("0.000001", true),
        ("0", false),
        ("0.0", false),
        ("1.01", false),
        ("2", false),
        ("-0.5", false),
        ("1e-2", false),
        ("10", false),
        ("\"0.5\"", false),
    ] {
        let context = Context { sample_rate: Some(json(text)), ..Default::default() };
        assert_eq!(check_context(&context).is_ok(), fine, "{text}");
    }
}

#[test]
fn depth_and_keys_are_allowed_up_to_their_limits() {
    let deep = |levels: usize| json(&format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)));
    let wide = |keys: usize| {
        json(&format!("{{{}}}", (0..keys).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(",")))
    };
    for (properties, fine) in [(deep(8), true), (deep(9), false), (wide(256), true), (wide(257), false)] {
        let event = Event { properties: Some(properties), ..Event::track("a") };
        assert_eq!(check(&event).is_ok(), fine);
    }
}

#[test]
fn an_id_has_no_control_characters() {
    // It becomes `ce_id`, and CloudEvents 1.0 ("Type System") has none in a string.
    for bad in ["a\nb", "a\u{0}", "\u{7f}"] {
        let event = Event { event_id: Some(bad.to_owned()), ..Event::track("a") };
        assert_eq!(rules(&event), [("event_id".to_owned(), Rule::BadCharacter)], "{bad:?}");
    }
}

#[test]
fn what_takes_six_bytes_in_a_record_counts_as_six() {
    let page = crate::Page { title: Some("\u{1}".repeat(CONTEXT_BYTES / 6 + 1)), ..Default::default() };
    let context = Context { page: Some(page), ..Default::default() };
    assert_eq!(check_context(&context).unwrap_err()[0].rule, Rule::TooLarge);
}

#[test]
fn a_context_cannot_make_a_request_grow_without_bound() {
    let page = crate::Page { title: Some("t".repeat(CONTEXT_BYTES + 1)), ..Default::default() };
    let context = Context { page: Some(page), ..Default::default() };
    assert_eq!(check_context(&context).unwrap_err()[0].rule, Rule::TooLarge);
}
