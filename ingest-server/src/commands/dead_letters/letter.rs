//! One dead letter as it is told to a person.
//! Its form is written by `encode`; reading letters and sending them is done beside this.

use crate::stamp::unix_ms;
use bytes::Bytes;
use footfall_delivery::{Header, Record, is_refused_record, refused_record};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

/// A dead letter, from the journal or from the topic: an event that the server refused, or a record that Kafka did.
pub(super) struct Letter {
    key: Option<Bytes>,
    headers: Vec<Header>,
    payload: Bytes,
}

impl Letter {
    pub(super) fn new(key: Option<Bytes>, headers: Vec<Header>, payload: Bytes) -> Self {
        Self { key, headers, payload }
    }

    /// Whether it is a record that Kafka refused. It has the headers of a record, and no id but that of its event.
    pub(super) fn is_record(&self) -> bool {
        is_refused_record(&self.headers)
    }

    /// That record, as it was; `None` where it was too large to be kept.
    pub(super) fn record(&self) -> Option<Record> {
        let (key, headers, payload) = (self.key.clone(), self.headers.clone(), self.payload.clone());
        refused_record(Record { key, headers: headers.into(), payload, ..Record::default() })
    }

    /// Its id.
    pub(super) fn id(&self) -> Option<&str> {
        self.text(if self.is_record() { "ce_id" } else { "dead_letter_id" })
    }

    /// The event's id.
    fn event_id(&self) -> Option<&str> {
        self.text(if self.is_record() { "ce_id" } else { "event_id" })
    }

    /// The event's name.
    pub(super) fn event(&self) -> Option<&str> {
        match self.is_record() {
            true => self.text("ce_type")?.splitn(3, '.').nth(2),
            false => self.text("event"),
        }
    }

    /// The site's key.
    pub(super) fn write_key(&self) -> Option<&str> {
        match self.is_record() {
            true => self.text("ce_source")?.strip_prefix("/sites/"),
            false => self.text("write_key"),
        }
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

    /// When the event came, in Unix milliseconds; of a record, when it happened, which it says in any format.
    pub(super) fn received_at(&self) -> i64 {
        let at = match self.is_record() {
            true => self.text("ce_time").and_then(|text| humantime::parse_rfc3339(text).ok()).map(unix_ms),
            false => self.text("received_at").and_then(|text| text.parse().ok()),
        };
        at.unwrap_or_default()
    }

    /// A line for a list.
    pub(super) fn line(&self) -> Value {
        let mut line = Map::new();
        for (field, text) in [
            ("id", self.id()),
            ("write_key", self.write_key()),
            ("step", self.text("step")),
            ("code", self.text("code")),
            ("event", self.event()),
            ("event_id", self.event_id()),
            ("reason", self.text("reason")),
        ] {
            if let Some(text) = text {
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
        for name in
            ["request_path", "topic", "batch_id", "user", "private", "omitted_bytes", "omitted_context_bytes"]
        {
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
            let letter =
                Letter::new(None, vec![Header::new("content-type", content_type)], "{\"a\":1}".into());
            assert_eq!(letter.whole().lines().last(), Some(shown));
        }
    }
}
