//! What a plan may say, what is told of one that is wrong, and what it says to events.

use super::*;
use proptest::prelude::*;

const PLAN: &str = r#"
[event.purchase]
description = "Somebody paid"
key_event = true
[event.purchase.properties]
order_id = { type = "string", required = true, max_length = 4 }
total = { type = "number", required = true, min = 0, max = 99.5 }
count = { type = "integer", min = 1 }
gift = { type = "boolean" }
method = { type = "enum", values = ["card", "invoice"] }
items = { type = "array", max_items = 2, items = { type = "object", other_properties = "refuse", properties = { sku = { type = "string", required = true } } } }
note = { type = "any" }

[event.buy]
deprecated = "purchase"

[event.strict]
other_properties = "refuse"

[type.identify.traits]
plan = { type = "enum", values = ["free", "paid"], required = true }
"#;

fn plan() -> Plan {
    Plan::parse(PLAN).unwrap()
}

fn track(name: &str, properties: &str) -> Event {
    Event { properties: Some(Json::parse(properties.to_owned()).unwrap()), ..Event::track(name) }
}

fn found(properties: &str) -> Vec<(String, Rule)> {
    let verdict = plan().judge(&track("purchase", properties));
    verdict.violations.into_iter().map(|found| (found.path, found.rule)).collect()
}

#[test]
fn an_event_that_fits_passes_and_is_marked_as_the_plan_says() {
    for fits in [
        r#"{"order_id":"ab12","total":99.5}"#,
        r#"{"order_id":"äöü€","total":0,"count":1.0,"gift":false,"method":"card","other":{"total":"x"},"note":[1,null]}"#,
        r#"{"order_id":"a","total":1,"items":[{"sku":"x"},{"sku":"y"}],"gift":null,"count":null}"#,
        r#"{"order_id":"a","total":1,"note":1e999}"#,
    ] {
        let verdict = plan().judge(&track("purchase", fits));
        assert_eq!(verdict, Verdict { key_event: true, ..Verdict::default() }, "{fits}");
    }
    let verdict = plan().judge(&Event::track("buy"));
    assert!(verdict.deprecated && verdict.violations.is_empty() && !verdict.key_event);
}

#[test]
fn what_does_not_fit_is_told_with_path_rule_and_sentence() {
    let base = r#""order_id":"a","total":1"#;
    for (properties, path, rule, message) in [
        (r#"{"total":1}"#, "order_id", Rule::Required, "is missing: the tracking plan requires it, a string"),
        (
            r#"{"order_id":null,"total":1}"#,
            "order_id",
            Rule::Required,
            "is missing: the tracking plan requires it, a string",
        ),
        (
            r#"{"order_id":"abcde","total":1}"#,
            "order_id",
            Rule::TooLong,
            "has 5 characters; the tracking plan has at most 4 there",
        ),
        (
            r#"{"order_id":7,"total":1}"#,
            "order_id",
            Rule::WrongType,
            "is the number 7; the tracking plan has a string there",
        ),
        (
            r#"{"order_id":"a","total":-0.5}"#,
            "total",
            Rule::OutOfRange,
            "is -0.5; the tracking plan has at least 0 there",
        ),
        (
            r#"{"order_id":"a","total":100}"#,
            "total",
            Rule::OutOfRange,
            "is 100; the tracking plan has at most 99.5 there",
        ),
        (
            r#"{"order_id":"a","total":"1"}"#,
            "total",
            Rule::WrongType,
            "is a string; the tracking plan has a number there",
        ),
    ] {
        let told = plan().judge(&track("purchase", properties)).violations;
        let path = format!("properties.{path}");
        assert_eq!(told, [Violation::new(path.clone(), rule, format!("{path} {message}"))], "{properties}");
    }
    for (more, path, rule) in [
        (r#""count":1.5"#, "count", Rule::WrongType),
        (r#""gift":"yes""#, "gift", Rule::WrongType),
        (r#""gift":[true,{"a":1}]"#, "gift", Rule::WrongType),
        (r#""method":"cash""#, "method", Rule::UnknownValue),
        (r#""method":{}"#, "method", Rule::WrongType),
        (r#""items":{}"#, "items", Rule::WrongType),
        (r#""items":[{"sku":"a"},{"sku":"b"},{"sku":"c"}]"#, "items", Rule::TooLarge),
        (r#""items":[{"sku":"a"},{}]"#, "items.1.sku", Rule::Required),
        (r#""items":[null]"#, "items.0", Rule::WrongType),
        (r#""items":[{"sku":"a","x\u0079":1}]"#, "items.0.xy", Rule::UnknownProperty),
    ] {
        assert_eq!(found(&format!("{{{base},{more}}}")), [(format!("properties.{path}"), rule)], "{more}");
    }
    assert_eq!(found("{}").len(), 2, "each that is missing is told");
    assert_eq!(plan().judge(&Event::track("purchase")).violations.len(), 2);
}

#[test]
fn an_event_of_no_plan_is_a_violation_unless_others_pass_or_the_sdk_captures_it() {
    let told = plan().judge(&Event::track("surprise")).violations;
    assert_eq!((told[0].path.as_str(), told[0].rule), ("event", Rule::UnknownEvent));
    let open = Plan::parse("other_events = 'accept'\n[event.a]").unwrap();
    assert_eq!(open.judge(&Event::track("surprise")), Verdict::default());
    for name in CAPTURED {
        assert_eq!(plan().judge(&track(name, r#"{"tag":"a"}"#)), Verdict::default(), "{name}");
    }
    let own = Plan::parse("[event.click.properties]\ntag = { type = 'string', required = true }").unwrap();
    assert_eq!(own.judge(&Event::track("click")).violations.len(), 1, "a plan's own word wins");
}

#[test]
fn closed_properties_take_no_others() {
    let told = plan().judge(&track("strict", r#"{"a":1,"b":{"c":2}}"#)).violations;
    let paths: Vec<_> = told.iter().map(|found| (found.path.as_str(), found.rule)).collect();
    assert_eq!(paths, [("properties.a", Rule::UnknownProperty), ("properties.b", Rule::UnknownProperty)]);
    assert_eq!(plan().judge(&Event::track("strict")), Verdict::default());
}

#[test]
fn other_types_are_held_to_what_is_declared_of_them() {
    let identify = |traits: Option<&str>| Event {
        kind: EventType::Identify,
        traits: traits.map(|text| Json::parse(text.to_owned()).unwrap()),
        ..Event::default()
    };
    assert_eq!(plan().judge(&identify(Some(r#"{"plan":"free"}"#))), Verdict::default());
    assert_eq!(plan().judge(&identify(None)).violations[0].path, "traits.plan");
    let page = Event { kind: EventType::Page, ..Event::default() };
    assert_eq!(plan().judge(&page), Verdict::default(), "nothing is declared of pages");
}

#[test]
fn what_is_told_of_one_event_is_bounded() {
    let items = vec!["7"; 5000].join(",");
    let told = plan().judge(&track("purchase", &format!("{{\"items\":[{items}]}}"))).violations;
    assert_eq!(told.len(), 16);
}

#[test]
fn every_mistake_of_a_plan_is_told_with_its_line() {
    let text = r#"other_event = "accept"
[event."Post View"]
[event.a]
key_event = 1
deprecated = "nobody"
colour = 1
[event.a.properties]
flat = "string"
odd = { type = "text" }
range = { type = "number", min = 2, max = 1 }
wide = { type = "string", max_length = 0, min = 1 }
few = { type = "enum" }
list = { type = "array", items = { type = "objet" } }
[type.alias]
"#;
    let told: Vec<_> = Plan::parse(text)
        .unwrap_err()
        .into_iter()
        .map(|mistake| format!("{} {}: {}", mistake.line, mistake.key, mistake.message))
        .collect();
    let expected = [
        "1 other_event: unknown key; known are event, type and other_events",
        "2 event.\"Post View\": event name \"Post View\" is not allowed",
        "4 event.a.key_event: must be true or false",
        "5 event.a.deprecated: names \"nobody\"; the successor must be declared here",
        "6 event.a.colour: unknown key; known are description, key_event, deprecated",
        "8 event.a.properties.flat: must be a table such as",
        "9 event.a.properties.odd.type: must be string, number",
        "10 event.a.properties.range.min: is above max",
        "11 event.a.properties.wide.max_length: must be a whole number above 0",
        "11 event.a.properties.wide.min: unknown key; known are description, max_length, required, type in type \"string\"",
        "12 event.a.properties.few.values: must be a list of strings",
        "13 event.a.properties.list.items.type: must be string, number",
        "14 type.alias: unknown type; known are page, screen, identify and group",
    ];
    for expected in expected {
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n is not in {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    assert_eq!(Plan::parse("a = \n").unwrap_err()[0].line, 1);
    let keys: Vec<_> =
        Plan::parse("\"\" = 1\n'a.b' = 2").unwrap_err().into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["\"\"", "\"a.b\""]);
    assert!(Plan::parse("").unwrap_err()[0].message.starts_with("declares no event"));
}

#[test]
fn a_plan_is_no_deeper_than_properties_may_be() {
    let nested = |levels: usize| {
        let inner = "{ type = 'object', properties = { a = ".repeat(levels);
        format!("[event.e.properties]\na = {inner}{{ type = 'string' }}{}", " } }".repeat(levels))
    };
    assert!(Plan::parse(&nested(7)).is_ok());
    assert!(Plan::parse(&nested(8)).unwrap_err()[0].message.contains("deeper"));
    let lists = |levels: usize| {
        format!(
            "[event.e.properties]\na = {}{{ type = 'array' }}{}",
            "{ type = 'array', items = ".repeat(levels),
            " }".repeat(levels)
        )
    };
    assert!(Plan::parse(&lists(7)).is_ok());
    assert!(Plan::parse(&lists(8)).unwrap_err()[0].message.contains("deeper"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reading_of_a_plan_fail(text in "(\\PC|\n){0,120}") {
        let _ = Plan::parse(&text);
    }

    #[test]
    fn no_plan_made_of_its_own_words_makes_its_reading_fail(
        words in prop::collection::vec(prop::sample::select(vec![
            "[event.a]", "[event.a.properties]", "[type.page]", "\n", "a", "=", "{", "}", "[", "]", ",", "type", "'string'",
            "'array'", "items", "min", "max", "1", "-1.5", "true", "'object'", "properties", "deprecated", "'a'",
        ]), 0..30),
    ) {
        let _ = Plan::parse(&words.join(" "));
    }

    #[test]
    fn whatever_a_sender_says_gets_a_verdict_with_paths_below_its_bag(
        name in prop::sample::select(vec!["order_id", "total", "count", "gift", "method", "items", "note", "x"]),
        value in prop::sample::select(vec![
            "null", "true", "-1", "1e308", "1e999", "18446744073709551615", "\"\\ud83d\\ude00\"", "\"\"", "[]", "[[[1]]]",
            "{}", "{\"sku\":1,\"sku\":null}", "[{\"sku\":[]}]",
        ]),
    ) {
        let verdict = plan().judge(&track("purchase", &format!("{{\"{name}\":{value}}}")));
        for violation in verdict.violations {
            prop_assert!(violation.path.starts_with("properties"));
            prop_assert!(violation.message.starts_with(&violation.path));
        }
    }
}
