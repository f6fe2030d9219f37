//! A tracking plan's file: what is wrong in it is told with its place, and a plan that was read judges any event.
//! A file that begins with `{` is the JSON Schema of the event `purchase`, any other a plan's TOML. The events stand after
//! a line `---`, one a line, each an event's JSON text.

use footfall_event_model::wire::decode_event;
use footfall_event_model::{Event, Json, Rule};
use ingest_server::check::plan::{Mistake, Plan, PlanFile};
use serde_json::value::RawValue;

/// Violations that are told of one event.
const MOST_TOLD: usize = 16;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (file, events) = text.split_once("\n---\n").unwrap_or((text, ""));
    match parsed(file) {
        Ok(plan) => {
            assert_eq!(parsed(file).as_ref(), Ok(&plan));
            assert!(!plan.to_string().is_empty());
            for event in events.lines().filter_map(|line| serde_json::from_str::<&RawValue>(line).ok()) {
                if let Ok(read) = decode_event(event) {
                    judged(&plan, &read.event);
                }
            }
        }
        Err(mistakes) => told(file, &mistakes),
    }
}

fn parsed(file: &str) -> Result<Plan, Vec<Mistake>> {
    if !file.starts_with('{') {
        return Plan::parse(file);
    }
    let schema = PlanFile { name: "purchase.schema.json".to_owned(), text: file.to_owned() };
    Plan::parse_folder(&[schema]).map_err(|told| told.into_iter().map(|(_, mistake)| mistake).collect())
}

/// Every mistake has its place in the file, and words.
fn told(file: &str, mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty());
    let lines: Vec<_> = file.split('\n').collect();
    for Mistake { line, column, key, message } in mistakes {
        let there = line.checked_sub(1).and_then(|line| lines.get(line));
        let there = there.unwrap_or_else(|| panic!("line {line} of {}", lines.len()));
        assert!((1..=there.len() + 1).contains(column), "column {column} of {there:?}");
        assert!(!message.is_empty());
        assert!(!key.is_empty() || message.starts_with("is not TOML"), "{message} has no key");
    }
    assert!(mistakes.is_sorted_by_key(|mistake| (mistake.line, mistake.column)));
}

fn judged(plan: &Plan, event: &Event) {
    let verdict = plan.judge(event);
    assert!(verdict.violations.len() <= MOST_TOLD, "{} violations", verdict.violations.len());
    for violation in &verdict.violations {
        let first = violation.path.split('.').next().unwrap_or_default();
        assert!(["event", "properties", "traits"].contains(&first), "{}", violation.path);
        assert!(first == "event" || violation.message.starts_with(&violation.path), "{}", violation.message);
        assert!(
            violation.rule != Rule::UnknownEvent
                || event.name.as_deref().is_none_or(|name| !plan.declares(name))
        );
    }
    // What is written otherwise and says the same is judged the same.
    let spaced = |json: &Json| {
        let tree: serde_json::Value = serde_json::from_str(json.text()).ok()?;
        Json::parse(serde_json::to_string_pretty(&tree).ok()?).ok()
    };
    let respelled = |json: &Option<Json>| json.as_ref().map(spaced);
    if let (None | Some(Some(_)), None | Some(Some(_))) =
        (respelled(&event.properties), respelled(&event.traits))
    {
        let other = Event {
            properties: respelled(&event.properties).flatten(),
            traits: respelled(&event.traits).flatten(),
            ..event.clone()
        };
        let (paths, again) = (paths(&verdict), paths(&plan.judge(&other)));
        assert_eq!(paths, again);
    }
}

fn paths(verdict: &ingest_server::check::plan::Verdict) -> Vec<(String, Rule)> {
    let mut all: Vec<_> = verdict.violations.iter().map(|found| (found.path.clone(), found.rule)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}
