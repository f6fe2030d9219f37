//! The record's JSON Schema beside the table of its binary fields: where they differ, and what a field's words are.

use crate::binary::shape::{Field, Kind, Message, OWN, SURROUNDINGS};
use serde_json::Value;
use std::collections::BTreeSet;

/// Of the context a record has these elsewhere, or nowhere (`ingest-server/src/encode`).
const NOT_IN_A_RECORDS_CONTEXT: [&str; 7] =
    ["anonymous_id", "session_id", "user_id", "user_signature", "group_id", "page_view_id", "page"];

/// The fields of a whole record, in their order.
pub(super) fn record_fields() -> impl Iterator<Item = &'static Field> {
    OWN.fields.iter().chain(SURROUNDINGS.fields)
}

/// The record's JSON Schema.
pub(super) struct Described(Value);

impl Described {
    pub(super) fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// What is said of the record.
    pub(super) fn record(&self) -> &Value {
        &self.0
    }

    /// What is said of a part of it.
    pub(super) fn part(&self, message: &Message) -> &Value {
        let part = &self.0["$defs"][message.name];
        assert!(part.is_object(), "the types know no {}", message.name);
        part
    }

    /// What is said of a field of `schema`, for people.
    pub(super) fn words(schema: &Value, field: &Field) -> String {
        let said = schema["properties"][field.name]["description"].as_str().unwrap_or_default();
        let words = plain(said);
        match field.kind {
            Kind::Json => format!("{words} As JSON text.").trim_start().to_owned(),
            _ => words,
        }
    }

    /// Compares the types and the table, field by field.
    ///
    /// # Panics
    /// Where they differ.
    pub(super) fn is_what_the_table_says(&self) {
        self.compare("Record", &self.0, &record_fields().copied().collect::<Vec<_>>());
    }

    fn compare(&self, name: &str, schema: &Value, fields: &[Field]) {
        let mut said: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        if name == "Context" {
            for elsewhere in NOT_IN_A_RECORDS_CONTEXT {
                assert!(said.remove(elsewhere), "Context has no {elsewhere} any more");
            }
        }
        let known: BTreeSet<&str> = fields.iter().map(|field| field.name).collect();
        assert_eq!(said, known, "the fields of {name}: those of the types, and those of src/binary/shape.rs");
        let numbers: BTreeSet<u32> = fields.iter().map(|field| field.number).collect();
        assert!(numbers.len() == fields.len() && !numbers.contains(&0), "{name} gives a number twice");
        let required = |field: &Field| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == field.name))
        };
        for field in fields {
            let place = format!("{name}.{}", field.name);
            assert_eq!(required(field), field.required, "whether {place} is always there");
            let property = &schema["properties"][field.name];
            assert!(
                self.fits(property, field.kind),
                "{place} is {:?} in src/binary/shape.rs, not {property}",
                field.kind
            );
            if let Kind::Message(message) = field.kind {
                self.compare(message.name, self.part(message), message.fields);
            }
        }
    }

    fn fits(&self, property: &Value, kind: Kind) -> bool {
        let reference = [property, &property["anyOf"][0]].into_iter().find_map(|said| said["$ref"].as_str());
        let target = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
        let resolved = target.map_or(property, |target| &self.0["$defs"][target]);
        let is = |name: &str| match &resolved["type"] {
            Value::String(only) => only == name,
            Value::Array(all) => all.iter().any(|one| one == name),
            _ => false,
        };
        match kind {
            Kind::Text => is("string") || resolved["oneOf"].is_array(),
            Kind::Int | Kind::Time => is("integer") && resolved["format"] == "int64",
            Kind::UInt => is("integer") && resolved["minimum"] == 0,
            Kind::Double => is("number"),
            Kind::Bool => is("boolean"),
            Kind::Json => is("object") && resolved["additionalProperties"] == true,
            Kind::Map => is("object") && resolved["additionalProperties"]["type"] == "string",
            Kind::Message(message) => target == Some(message.name),
        }
    }
}

/// Without the marks by which rustdoc makes links of names.
pub(super) fn plain(words: &str) -> String {
    words.replace("[`", "`").replace("`]", "`")
}
