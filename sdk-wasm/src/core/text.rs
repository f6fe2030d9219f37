//! JSON texts as the wire has them, written without a serialiser: it would be a third of the module's weight.
//! That they are what `footfall-event-model` reads is shown by the tests, which decode every one of them.

use footfall_event_model::text::{push_digit, push_number};
use footfall_event_model::{EventType, Own};

/// The members of a JSON object, as they are written.
#[derive(Debug, Default)]
pub(super) struct Members(pub(super) String);

impl Members {
    /// A member with a JSON text as its value. The name needs no escapes.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.0.push_str(if self.0.is_empty() { "\"" } else { ",\"" });
        for part in &[name, "\":", value] {
            self.0.push_str(part);
        }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, "");
        quote(&mut self.0, value);
    }

    /// Adds a text to what is a list of texts instead.
    pub(super) fn item(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push_str(",");
        }
        quote(&mut self.0, text);
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, "");
        push_number(&mut self.0, value);
    }
}

/// Appends a JSON string.
fn quote(out: &mut String, text: &str) {
    out.push_str("\"");
    let mut start = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(piece(text, start, at));
        out.push_str("\\");
        start = at;
        if byte < b' ' {
            out.push_str("u00");
            push_digit(out, usize::from(byte >> 4));
            push_digit(out, usize::from(byte & 15));
            start += 1;
        }
    }
    out.push_str(piece(text, start, text.len()));
    out.push_str("\"");
}

/// Adds a line to lines.
pub(super) fn add_line(lines: &mut String, line: &str) {
    if !lines.is_empty() {
        lines.push_str("\n");
    }
    lines.push_str(line);
}

/// Takes the first line off a text.
pub(crate) fn line<'a>(text: &mut &'a str) -> &'a str {
    up_to(text, b'\n')
}

/// Takes the first word off a text.
pub(crate) fn word<'a>(text: &mut &'a str) -> &'a str {
    up_to(text, b' ')
}

fn up_to<'a>(text: &mut &'a str, mark: u8) -> &'a str {
    let all = *text;
    let end = all.as_bytes().iter().position(|&byte| byte == mark).unwrap_or(all.len());
    *text = piece(all, end + 1, all.len());
    piece(all, 0, end)
}

/// A piece of a text. The checks that a slice brings, that it begins and ends between code points, are here alone.
#[inline(never)]
fn piece(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Takes the first number off a text of numbers with spaces between; 0 where there is none.
pub(crate) fn number(text: &mut &str) -> u64 {
    let mut number = 0_u64;
    for digit in word(text).as_bytes() {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
    }
    number
}

/// The members of an event, without its context.
pub(super) fn of_event(event: &Own<'_>, at_ms: u64, seq: u64, key_event: bool) -> String {
    let mut object = Members::default();
    let kind = Some(event.kind.as_str()).filter(|_| event.kind != EventType::Track);
    for (name, text) in &[
        ("event_id", event.event_id),
        ("type", kind),
        ("event", event.name),
        ("user_id", event.user_id),
        ("group_id", event.group_id),
        ("previous_id", event.previous_id),
    ] {
        if let Some(text) = text {
            object.text(name, text);
        }
    }
    object.number("timestamp", at_ms);
    object.number("seq", seq);
    for (name, json) in &[("properties", event.properties), ("traits", event.traits)] {
        if let Some(json) = json {
            object.raw(name, json);
        }
    }
    if key_event {
        object.raw("key_event", "true");
    }
    object.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::{Event, Json};
    use proptest::prelude::*;

    fn any_text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![".{0,12}", "[\\x00-\\x7f]{0,12}"])
    }

    proptest! {
        #[test]
        fn the_servers_decoder_reads_back_every_event(
            texts in prop::array::uniform6(any_text()), kind in 0usize..6, timestamp in 0u64..1 << 62, seq: u64, key: bool,
        ) {
            let [event_id, name, user_id, group_id, previous_id, value] = &texts;
            let json = serde_json::json!({ "v": value }).to_string();
            let (properties, traits) = if value.is_some() { (Some(&*json), None) } else { (None, Some(&*json)) };
            let own = Own {
                kind: EventType::ALL[kind],
                event_id: event_id.as_deref(),
                name: name.as_deref(),
                user_id: user_id.as_deref(),
                group_id: group_id.as_deref(),
                previous_id: previous_id.as_deref(),
                properties,
                traits,
            };
            let boxed = |json: Option<&str>| json.map(|json| Json::parse(json.to_owned()).unwrap());
            let event = Event {
                kind: own.kind,
                timestamp: Some(timestamp as i64),
                seq: Some(seq),
                properties: boxed(properties),
                traits: boxed(traits),
                key_event: key.then_some(true),
                event_id: event_id.clone(),
                name: name.clone(),
                user_id: user_id.clone(),
                group_id: group_id.clone(),
                previous_id: previous_id.clone(),
                ..Event::default()
            };
            let text = format!("{{{}}}", of_event(&own, timestamp, seq, key));
            prop_assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        }
    }
}
