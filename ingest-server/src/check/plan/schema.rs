//! Reads the JSON Schema of one event's properties, as far as a plan can say the same; each other keyword is a mistake.
//! What a value must be is `value`'s part, what is told of a keyword that a plan cannot hold to `keyword`'s.

mod keyword;
mod object;
mod value;

use super::Declared;
use super::mistake::{Mistake, Noted, Successor};
use object::Object;
use serde_json::value::RawValue;

/// The key of a whole schema.
pub(super) const ROOT: &str = "#";

/// Mistakes that are told of one schema; what is wrong beyond them shows when these are mended.
const MOST_TOLD: usize = 100;

/// The names under which Segment's clients send a message's parts, and under which Segment's plans describe them.
const PARTS_OF_A_MESSAGE: [&str; 3] = ["context", "properties", "traits"];

/// Reads what a schema declares of its event.
pub(super) fn read(text: &str) -> (Declared, Noted) {
    let mut reader = Reader { text, noted: Noted::default() };
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    let declared = match serde_json::from_str::<&RawValue>(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Ok(raw) => reader.event(raw),
        Err(error) => {
            let message = format!("is not JSON: {}", words(&error));
            let (line, column) = (error.line().max(1), error.column().max(1));
            reader.noted.mistakes.push(Mistake { line, column, key: ROOT.to_owned(), message });
            Declared::default()
        }
    };
    (declared, reader.noted)
}

/// An error without its place, which is told apart from it.
fn words(error: &serde_json::Error) -> String {
    let told = error.to_string();
    told.split(" at line ").next().unwrap_or_default().to_owned()
}

struct Reader<'t> {
    text: &'t str,
    noted: Noted,
}

impl<'t> Reader<'t> {
    /// Tells what is wrong with a value, which must be a part of the text.
    fn wrong(&mut self, value: &RawValue, key: &str, message: impl Into<String>) {
        if self.noted.mistakes.len() < MOST_TOLD {
            self.noted.mistakes.push(Mistake::at(self.text, self.place(value), key, message));
        }
    }

    fn place(&self, value: &RawValue) -> usize {
        value.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    fn event(&mut self, raw: &'t RawValue) -> Declared {
        let mut declared = Declared::default();
        let right = "an object, such as {\"properties\": {\"total\": {\"type\": \"number\"}}}";
        let Some(schema) = self.object(raw, ROOT, right) else { return declared };
        self.not_a_message(&schema);
        if let Some(kind) = schema.get("type")
            && self.kinds(&schema).is_some_and(|kinds| kinds.names != ["object"] || kinds.null)
        {
            self.wrong(kind, &schema.key("type"), "must be \"object\": the properties of an event are one");
        }
        let own = ["deprecated", "x-key-event", "x-successor", "self"];
        self.only(&schema, "object", &own);
        declared.key_event = self.flag(&schema, "x-key-event");
        declared.deprecated = self.flag(&schema, "deprecated");
        if let Some(value) = schema.get("x-successor") {
            let key = schema.key("x-successor");
            match serde_json::from_str::<String>(value.get()) {
                Err(_) => self.wrong(value, &key, "must be the name of the event that is sent instead"),
                Ok(_) if !declared.deprecated => {
                    self.wrong(value, &key, "needs \"deprecated\": true beside it");
                }
                Ok(name) => {
                    let successor = Successor::at(self.text, self.place(value), &key, &name);
                    self.noted.successors.push(successor);
                }
            }
        }
        declared.fields = self.fields(&schema, 1);
        declared
    }

    /// A schema of a whole message would let all properties pass that it describes further down.
    fn not_a_message(&mut self, schema: &Object<'t>) {
        let Some(value) = schema.get("properties") else { return };
        let Some(parts) = object::names(value) else { return };
        let is_part = |name: &String| PARTS_OF_A_MESSAGE.contains(&name.as_str());
        if parts.iter().any(|name| name != "context") && parts.iter().all(is_part) {
            let message = "describes a whole message, as Segment's plans do; what is meant here is the properties of the \
                           event alone: put what stands at #/properties/properties at the top";
            self.wrong(value, &schema.key("properties"), message);
        }
    }

    fn flag(&mut self, schema: &Object<'t>, name: &str) -> bool {
        let Some(value) = schema.get(name) else { return false };
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            let message = "must be true or false; what is sent instead is named by \"x-successor\"";
            let message = if name == "deprecated" { message } else { "must be true or false" };
            self.wrong(value, &schema.key(name), message);
            false
        })
    }
}

#[cfg(test)]
mod tests;
