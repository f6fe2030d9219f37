//! A record's own fields as JSON text, written straight into the place where it stays.
//! `serde` would escape each name anew for each event, and read `properties` once more; what is written is the same.

use super::Record;
use crate::Json;
use serde::Serialize;
use std::io::Write;

/// The text of one field's name, behind another field.
macro_rules! name {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

impl Record<'_> {
    /// Appends the fields as an object.
    pub(super) fn append_own(&self, out: &mut impl Write) -> Result<(), serde_json::Error> {
        let Self {
            schema_version,
            event_id,
            kind,
            name,
            original_name,
            timestamp,
            original_timestamp,
            clock_skew_ms,
            time_flag,
            seq,
            user_id,
            group_id,
            previous_id,
            properties,
            traits,
            key_event,
            possible_duplicate,
        } = *self;
        let mut fields = Fields(out);
        fields.put("{\"schema_version\":")?;
        serde_json::to_writer(&mut *fields.0, &schema_version)?;
        fields.text(name!("event_id"), Some(event_id))?;
        fields.text(name!("type"), Some(kind.as_str()))?;
        fields.text(name!("event"), name)?;
        fields.text(name!("original_name"), original_name)?;
        fields.other(name!("timestamp"), Some(timestamp))?;
        fields.other(name!("original_timestamp"), original_timestamp)?;
        fields.other(name!("clock_skew_ms"), clock_skew_ms)?;
        fields.other(name!("time_flag"), time_flag)?;
        fields.other(name!("seq"), seq)?;
        fields.text(name!("user_id"), user_id)?;
        fields.text(name!("group_id"), group_id)?;
        fields.text(name!("previous_id"), previous_id)?;
        fields.json(name!("properties"), properties)?;
        fields.json(name!("traits"), traits)?;
        fields.other(name!("key_event"), key_event)?;
        fields.other(name!("possible_duplicate"), possible_duplicate)?;
        fields.put("}")
    }
}

/// Fields that are appended, those that are there.
struct Fields<'a, W>(&'a mut W);

impl<W: Write> Fields<'_, W> {
    fn put(&mut self, text: &str) -> Result<(), serde_json::Error> {
        self.0.write_all(text.as_bytes()).map_err(serde_json::Error::io)
    }

    fn text(&mut self, name: &'static str, text: Option<&str>) -> Result<(), serde_json::Error> {
        let Some(text) = text else { return Ok(()) };
        self.put(name)?;
        if needs_escapes(text) {
            return serde_json::to_writer(&mut *self.0, text);
        }
        self.put("\"")?;
        self.put(text)?;
        self.put("\"")
    }

    fn json(&mut self, name: &'static str, json: Option<&Json>) -> Result<(), serde_json::Error> {
        let Some(json) = json else { return Ok(()) };
        self.put(name)?;
        self.put(json.text())
    }

    fn other(&mut self, name: &'static str, value: Option<impl Serialize>) -> Result<(), serde_json::Error> {
        let Some(value) = value else { return Ok(()) };
        self.put(name)?;
        serde_json::to_writer(&mut *self.0, &value)
    }
}

/// Whether a text must be written with escapes (RFC 8259, section 7). Without an early end, so that the compiler looks at
/// many bytes at once.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, TimeFlag};
    use proptest::prelude::*;

    fn any_text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(".{0,20}")
    }

    proptest! {
        #[test]
        fn it_is_what_serde_writes(
            texts in prop::array::uniform6(any_text()), numbers in any::<(i64, Option<i64>, Option<i64>, Option<u64>)>(),
            kind in prop::sample::select(EventType::ALL.to_vec()), flags in any::<(Option<bool>, Option<bool>)>(),
            bags in prop::array::uniform2(prop::option::of(r#"[a-z" \\\n]{0,9}"#)),
            time_flag in prop::option::of(prop::sample::select(vec![TimeFlag::Future, TimeFlag::Old])),
        ) {
            let bag = |text: &Option<String>| {
                let text = serde_json::to_string_pretty(&serde_json::json!({ "a": text.as_ref()? }));
                Json::parse(text.ok()?).ok()
            };
            let [properties, traits] = bags.each_ref().map(bag);
            let record = Record {
                schema_version: 1,
                event_id: texts[0].as_deref().unwrap_or_default(),
                kind,
                name: texts[1].as_deref(),
                original_name: texts[2].as_deref(),
                timestamp: numbers.0,
                original_timestamp: numbers.1,
                clock_skew_ms: numbers.2,
                time_flag,
                seq: numbers.3,
                user_id: texts[3].as_deref(),
                group_id: texts[4].as_deref(),
                previous_id: texts[5].as_deref(),
                properties: properties.as_ref(),
                traits: traits.as_ref(),
                key_event: flags.0,
                possible_duplicate: flags.1,
            };
            let mut text = Vec::new();
            record.append_own(&mut text).unwrap();
            prop_assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(&record).unwrap());
        }
    }
}
