//! JSON texts as the wire has them, written without a serialiser: it would be a third of the module's weight.
//! That they are what `footfall-event-model` reads is shown by the tests, which decode every one of them.

use footfall_event_model::{Event, EventType};

/// The members of a JSON object, as they are written.
#[derive(Debug, Default)]
pub(super) struct Members(pub(super) String);

impl Members {
    /// A member with a JSON text as its value. The name needs no escapes.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        for part in [if self.0.is_empty() { "\"" } else { ",\"" }, name, "\":", value] {
            self.0.push_str(part);
        }
    }

    /// A text, where there is one.
    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.raw(name, "");
            quote(&mut self.0, value);
        }
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, "");
        push_number(&mut self.0, value);
    }
}

const DIGITS: &str = "0123456789abcdef";

fn push_digit(out: &mut String, digit: usize) {
    out.push_str(&DIGITS[digit..=digit]);
}

/// Appends a JSON string.
fn quote(out: &mut String, text: &str) {
    out.push_str("\"");
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..at]);
        out.push_str("\\");
        start = at;
        if byte < b' ' {
            out.push_str("u00");
            push_digit(out, usize::from(byte >> 4));
            push_digit(out, usize::from(byte & 15));
            start += 1;
        }
    }
    out.push_str(&text[start..]);
    out.push_str("\"");
}

/// Appends a number in decimal digits.
pub(super) fn push_number(out: &mut String, value: u64) {
    if value >= 10 {
        push_number(out, value / 10);
    }
    push_digit(out, (value % 10) as usize);
}

/// The members of an event, without its context.
pub(super) fn of_event(event: &Event) -> String {
    let mut object = Members::default();
    object.text("event_id", event.event_id.as_deref());
    if event.kind != EventType::Track {
        object.text("type", Some(event.kind.as_str()));
    }
    object.text("event", event.name.as_deref());
    object.number("timestamp", event.timestamp.unwrap_or_default().max(0) as u64);
    object.number("seq", event.seq.unwrap_or_default());
    object.text("user_id", event.user_id.as_deref());
    for (name, json) in [("properties", &event.properties), ("traits", &event.traits)] {
        if let Some(json) = json {
            object.raw(name, json.text());
        }
    }
    if event.key_event == Some(true) {
        object.raw("key_event", "true");
    }
    object.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::Json;
    use proptest::prelude::*;

    fn any_text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![".{0,12}", "[\\x00-\\x7f]{0,12}"])
    }

    proptest! {
        #[test]
        fn the_servers_decoder_reads_back_every_event(
            texts in prop::array::uniform4(any_text()), kind in 0usize..6, timestamp in 0i64.., seq: u64, key: bool,
        ) {
            let [event_id, name, user_id, value] = texts;
            let json = Json::parse(serde_json::json!({ "v": value }).to_string()).unwrap();
            let event = Event {
                event_id,
                kind: EventType::ALL[kind],
                name,
                timestamp: Some(timestamp),
                seq: Some(seq),
                user_id,
                properties: value.is_some().then(|| json.clone()),
                traits: value.is_none().then_some(json),
                key_event: key.then_some(true),
                ..Event::default()
            };
            prop_assert_eq!(serde_json::from_str::<Event>(&format!("{{{}}}", of_event(&event))).unwrap(), event);
        }

        #[test]
        fn numbers_are_written_in_digits(value: u64) {
            let mut text = String::new();
            push_number(&mut text, value);
            prop_assert_eq!(text, value.to_string());
        }
    }
}
