//! Which schemas say the same as a plan's TOML, what is told of those that no plan can say, and where the bounds are.

use crate::check::plan::expected::MOST_FIELDS;
use crate::check::plan::{Mistake, Plan, PlanFile, TABLES};
use footfall_event_model::Rule;
use footfall_event_model::{Event, Json};
use proptest::prelude::*;
use serde::Deserialize;

fn file(name: &str, text: impl Into<String>) -> PlanFile {
    PlanFile { name: name.to_owned(), text: text.into() }
}

fn parsed(text: &str) -> Result<Plan, Vec<(String, Mistake)>> {
    Plan::parse_folder(&[file("a.schema.json", text)])
}

/// The mistakes as an operator reads them.
fn told(files: &[PlanFile]) -> Vec<String> {
    let mistakes = Plan::parse_folder(files).unwrap_err().into_iter();
    mistakes
        .map(|(name, Mistake { line, column, key, message })| {
            format!("{name}:{line}:{column} {key}: {message}")
        })
        .collect()
}

#[derive(Deserialize)]
struct Table {
    same: Vec<Same>,
    mistake: Vec<Row>,
}

#[derive(Deserialize)]
struct Same {
    schema: String,
    plan: String,
}

#[derive(Deserialize)]
struct Row {
    schema: String,
    says: String,
}

fn table() -> Table {
    toml::from_str(include_str!("tests.toml")).unwrap()
}

#[test]
fn a_schema_reads_as_the_plan_that_says_the_same() {
    for Same { schema, plan } in table().same {
        let plan = Plan::parse(&format!("[event.a.properties]\n{plan}")).unwrap();
        assert_eq!(parsed(&schema), Ok(plan), "{schema}");
    }
}

#[test]
fn a_folder_reads_as_one_plan_with_its_tables() {
    let files = [
        file(
            TABLES,
            "other_events = 'accept'\n[event.refund]\n[event.buy]\ndeprecated = 'purchase'\n[type.page]",
        ),
        file("purchase.schema.json", r#"{"additionalProperties":false,"x-key-event":true}"#),
        file("cart.item.json", r#"{"deprecated":true,"x-successor":"refund"}"#),
        file("old.json", r#"{"deprecated":true}"#),
    ];
    let same = "other_events = 'accept'\n[event.purchase]\nkey_event = true\nother_properties = 'refuse'\n[event.'cart.item']\n\
                deprecated = 'refund'\n[event.old]\ndeprecated = true\n[event.refund]\n[event.buy]\ndeprecated = 'purchase'\n[type.page]";
    assert_eq!(Plan::parse_folder(&files), Ok(Plan::parse(same).unwrap()));
    let empty = Plan::parse_folder(&[file(TABLES, "other_events = 'accept'")]).unwrap_err();
    assert!(empty[0].1.message.starts_with("declares no event"), "{empty:?}");
}

#[test]
fn each_mistake_of_a_schema_is_told_with_its_place() {
    for Row { schema: text, says } in table().mistake {
        let told = told(&[file("a.schema.json", text.as_str())]);
        let expected = format!("a.schema.json:{says}");
        assert!(told.len() == 1 && told[0].starts_with(&expected), "{text}\n{expected}\nis not {told:#?}");
    }
}

#[test]
fn every_mistake_of_a_folder_is_told_in_the_order_of_the_text() {
    let told = told(&[
        file("Order Completed.json", "{}"),
        file("buy.json", "{}"),
        file("buy.schema.json", "{}"),
        file("late.json", "{\n  \"x-key-event\": 1,\n  \"oneOf\": [],\n  \"properties\": {\"p\": 1}\n}"),
        file(TABLES, "[event.buy]\ndeprecated = 'nobody'"),
    ]);
    let expected = [
        "plan.toml:2:1 event.buy.deprecated: names \"nobody\"",
        "Order Completed.json:1:1 #: event name \"Order Completed\" is not allowed: use a lower-case letter first",
        "buy.json:1:1 #: declares \"buy\" a second time",
        "buy.schema.json:1:1 #: declares \"buy\" a second time",
        "late.json:2:18 #/x-key-event: must be",
        "late.json:3:12 #/oneOf: is more",
        "late.json:4:23 #/properties/p: must be a schema",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\ndoes not begin with {expected}");
    }
    assert!(told[1].ends_with("rename the file"), "{}", told[1]);
}

#[test]
fn a_schema_is_no_deeper_and_no_wider_than_properties_may_be() {
    let objects = |levels: usize| {
        let open =
            r#"{"properties":{"p":"#.to_owned() + &r#"{"type":"object","properties":{"p":"#.repeat(levels);
        open + r#"{"type":"string"}"# + &"}}".repeat(levels + 1)
    };
    let lists = |levels: usize| {
        let open = r#"{"properties":{"p":"#.to_owned() + &r#"{"type":"array","items":"#.repeat(levels);
        open + r#"{"type":"array"}"# + &"}".repeat(levels + 2)
    };
    for nested in [&objects, &lists] as [&dyn Fn(usize) -> String; 2] {
        assert!(parsed(&nested(7)).is_ok());
        let mistakes = parsed(&nested(8)).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].1.message.contains("deeper"), "{mistakes:?}");
        assert!(parsed(&nested(100_000)).is_err(), "a bomb harms nobody");
    }
    let wide = |members: usize| {
        let members: Vec<_> = (0..members).map(|index| format!("\"p{index}\":{{}}")).collect();
        format!("{{\"properties\":{{{}}},\"required\":[\"one_more\"]}}", members.join(","))
    };
    assert!(parsed(&wide(MOST_FIELDS - 1)).is_ok());
    let mistakes = parsed(&wide(MOST_FIELDS)).unwrap_err();
    assert_eq!(
        mistakes[0].1.message,
        format!("declares {} members; at most {MOST_FIELDS} are possible", MOST_FIELDS + 1)
    );
    let unknown: Vec<_> = (0..5000).map(|index| format!("\"k{index}\":1")).collect();
    assert_eq!(parsed(&format!("{{{}}}", unknown.join(","))).unwrap_err().len(), super::MOST_TOLD);
}

#[test]
fn a_schema_judges_events_as_it_says() {
    let plan = parsed(
        r#"{"properties":{"total":{"type":"number","minimum":0},"note":{"type":["string","null"],"maxLength":3}},
            "required":["total"],"additionalProperties":false,"x-key-event":true}"#,
    )
    .unwrap();
    for (properties, found) in [
        (r#"{"total":0,"note":"äöü"}"#, &[][..]),
        (r#"{"total":0,"note":null}"#, &[]),
        (r#"{"total":null}"#, &[("properties.total", Rule::Required)]),
        (
            r#"{"total":-1,"note":"abcd","more":1}"#,
            &[
                ("properties.total", Rule::OutOfRange),
                ("properties.note", Rule::TooLong),
                ("properties.more", Rule::UnknownProperty),
            ],
        ),
    ] {
        let properties = Json::parse(properties.to_owned()).unwrap();
        let verdict = plan.judge(&Event { properties: Some(properties), ..Event::track("a") });
        let told: Vec<_> = verdict.violations.iter().map(|told| (told.path.as_str(), told.rule)).collect();
        assert_eq!(told, found);
        assert!(verdict.key_event);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reading_of_a_schema_fail(text in "(\\PC|\n){0,120}") {
        let _ = parsed(&text);
    }

    #[test]
    fn no_json_makes_the_reading_of_a_schema_fail_and_each_mistake_has_its_place(
        words in prop::collection::vec(prop::sample::select(vec![
            "\"type\"", "\"string\"", "\"array\"", "\"object\"", "\"properties\"", "\"items\"", "\"enum\"", "\"required\"", ":",
            ":", ":", ",", ",", "{", "{", "}", "}", "[", "]", "\"a\"", "1", "-1.5", "true", "null", "\n", "\"\\ud800\"", "\"x-successor\"",
            "\"deprecated\"", "\"minimum\"", "\"maxLength\"", "\"ü\"",
        ]), 0..30),
    ) {
        let text = format!("{{{}}}", words.concat());
        let lines: Vec<_> = text.split('\n').collect();
        for (_, mistake) in parsed(&text).err().into_iter().flatten() {
            let line = lines[mistake.line - 1];
            prop_assert!((1..=line.len() + 1).contains(&mistake.column), "{mistake:?}");
            prop_assert!(mistake.key.starts_with('#') && !mistake.message.is_empty());
        }
    }
}
