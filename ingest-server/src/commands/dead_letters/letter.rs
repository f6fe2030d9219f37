//! One dead letter as it is told to a person, and as the batch that is sent again.
//! Its form is written by `encode`; reading letters and sending them is done beside this.

use crate::check::UserSigner;
use crate::encode::mask;
use bytes::Bytes;
use footfall_delivery::Header;
use footfall_event_model::{Batch, Context};
use serde_json::value::RawValue;
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
        for name in ["batch_id", "user", "private", "omitted_bytes"] {
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

    /// The batch to send: under the event's id, or the letter's where it had none, and under the time at which it came
    /// where it told none; with the user's signature where that was there and `signer` can make it again. Without
    /// `sent_at`: the clock that it told of has gone on. The reason where there is nothing to send.
    pub(super) fn batch(&self, signer: Option<&UserSigner>) -> Result<Vec<u8>, &'static str> {
        let unreadable = "it cannot be read";
        let batch: Batch<'_> = serde_json::from_slice(&self.payload).map_err(|_| unreadable)?;
        let event = *batch.events.first().ok_or("its event was too large to be kept")?;
        let mut context = batch.context.unwrap_or_default();
        if let (Some("signed"), Some(signer)) = (self.text("user"), signer) {
            sign(event, &mut context, signer);
        }
        let event = RawValue::from_string(self.completed(event)).map_err(|_| unreadable)?;
        let again = Batch { context: Some(context), events: vec![&event], ..Batch::default() };
        serde_json::to_vec(&again).map_err(|_| unreadable)
    }

    /// The event's text with what the server would have given it when it came.
    fn completed(&self, event: &RawValue) -> String {
        let text = event.get();
        let (Some(inner), Ok(members)) =
            (text.strip_prefix('{'), serde_json::from_str::<Map<String, Value>>(text))
        else {
            return text.to_owned();
        };
        let missing = |name: &str| members.get(name).is_none_or(Value::is_null);
        let mut given = String::from("{");
        // A field that is `null` stands there already, and none may stand twice.
        if missing("event_id") && !members.contains_key("event_id") {
            let id = self.text("dead_letter_id").unwrap_or_default();
            given.push_str(&format!("\"event_id\":{},", Value::from(id)));
        }
        if missing("timestamp") && !members.contains_key("timestamp") {
            given.push_str(&format!("\"timestamp\":{},", self.received_at()));
        }
        if members.is_empty() {
            given.pop();
        }
        given + inner
    }
}

fn sign(event: &RawValue, context: &mut Context, signer: &UserSigner) {
    let own = mask(event, false).and_then(|masked| masked.user_id);
    let user_id = own.or_else(|| context.user_id.clone());
    context.user_signature = user_id.map(|user_id| signer.sign(&user_id));
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
