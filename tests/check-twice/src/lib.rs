//! What `event-model` says of an event, as one line of text that can be compared between wasm and native code.
//! The events are made in `events`; comparing is done by `compare.mjs`, outside of both.

pub mod door;
pub mod events;

use footfall_event_model::wire::{DecodedEvent, decode_event};
use footfall_event_model::{Event, Json, Own, Violation};
use serde_json::value::RawValue;

/// Everything that the checks say of one event's text: the server's reading, and the SDK's own check of the same.
pub fn verdict(text: &str) -> String {
    let raw: &RawValue = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => return format!("no JSON: {error}"),
    };
    match decode_event(raw) {
        Ok(DecodedEvent { event, unknown_fields }) => {
            let written = serde_json::to_string(&event).unwrap_or_default();
            format!("fine, {unknown_fields} unknown; {}; {written}", told(&own(&event).check()))
        }
        Err(refused) => format!("{:?}: {}", refused.event_id, told(&refused.violations)),
    }
}

/// What the SDK checks: an event without a context of its own.
fn own(event: &Event) -> Own<'_> {
    Own {
        kind: event.kind,
        event_id: event.event_id.as_deref(),
        name: event.name.as_deref(),
        user_id: event.user_id.as_deref(),
        group_id: event.group_id.as_deref(),
        previous_id: event.previous_id.as_deref(),
        properties: event.properties.as_ref().map(Json::text),
        traits: event.traits.as_ref().map(Json::text),
    }
}

fn told(violations: &[Violation]) -> String {
    serde_json::to_string(violations).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_events_break_every_rule_that_one_event_can_break_and_some_are_fine() {
        let verdicts: Vec<_> = events::lines(10_000).map(|text| verdict(&text)).collect();
        let fine = verdicts.iter().filter(|verdict| verdict.starts_with("fine")).count();
        assert!((1_000..9_000).contains(&fine), "{fine} are fine");
        let codes: HashSet<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.split("\"code\":\"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        for code in [
            "required",
            "wrong_type",
            "bad_name",
            "unknown_value",
            "empty",
            "bad_character",
            "too_long",
            "too_deep",
            "too_many_keys",
            "too_large",
            "out_of_range",
            "malformed",
        ] {
            assert!(codes.contains(code), "no event is {code}");
        }
    }
}
