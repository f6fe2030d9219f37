//! One dead letter as it is told to a person.
//! Its form is written by `encode`; reading letters and sending them is done beside this.

use bytes::Bytes;
use footfall_delivery::Header;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

/// A dead letter, from the journal or from the topic.
pub(super) struct Letter {
    headers: Vec<Header>,
    payload: Bytes,
}

impl Letter {
    pub(super) fn new(headers: Vec<Header>, payload: Bytes) -> Self {
        Self { headers, payload }
    }

    /// A header's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name == name)?;
        str::from_utf8(&header.value).ok()
    }

    /// What it holds.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// When the event came, in Unix milliseconds.
    pub(super) fn received_at(&self) -> i64 {
        self.text("received_at").and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// A line for a list.
    pub(super) fn line(&self) -> Value {
        let mut line = Map::new();
        for (field, header) in [
            ("id", "dead_letter_id"),
            ("write_key", "write_key"),
            ("step", "step"),
            ("code", "code"),
            ("event", "event"),
            ("event_id", "event_id"),
            ("reason", "reason"),
        ] {
            if let Some(text) = self.text(header) {
                line.insert(field.to_owned(), text.into());
            }
        }
        let at = UNIX_EPOCH + Duration::from_millis(self.received_at().unsigned_abs());
        line.insert("received_at".to_owned(), humantime::format_rfc3339_millis(at).to_string().into());
        line.into()
    }

    /// All of it, over several lines: what the list says, every violation, the other headers, and the batch.
    pub(super) fn whole(&self) -> String {
        let mut whole = self.line();
        let violations = self.text("violations").and_then(|text| serde_json::from_str::<Value>(text).ok());
        whole["violations"] = violations.unwrap_or_default();
        for name in ["request_path", "batch_id", "user", "private", "omitted_bytes"] {
            if let Some(text) = self.text(name) {
                whole[name] = text.into();
            }
        }
        let text = serde_json::to_string_pretty(&whole).unwrap_or_default();
        format!("{text}\n{}", self.shown_payload())
    }

    /// The payload, where it is text: what Kafka refused stands there in its format.
    fn shown_payload(&self) -> Cow<'_, str> {
        match self.text("content-type") {
            Some(binary @ ("application/avro" | "application/protobuf")) => {
                format!("{} bytes of {binary}", self.payload.len()).into()
            }
            _ => String::from_utf8_lossy(&self.payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kafka_refused_is_shown_as_text_or_told_by_its_size() {
        for (content_type, shown) in [
            ("application/avro", "7 bytes of application/avro"),
            ("application/protobuf", "7 bytes of application/protobuf"),
            ("application/json", "{\"a\":1}"),
        ] {
            let letter = Letter::new(vec![Header::new("content-type", content_type)], "{\"a\":1}".into());
            assert_eq!(letter.whole().lines().last(), Some(shown));
        }
    }
}
