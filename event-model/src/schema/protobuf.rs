//! The record's Protobuf schema, made of the table of its fields and the types' words.

use super::described::{Described, plain, record_fields};
use crate::binary::shape::{Field, Kind};
use serde_json::Value;
use std::fmt::Write;

pub(super) fn schema(described: &Described) -> String {
    let mut text = "// Generated from the types; see event-model/src/schema.rs.\nsyntax = \"proto3\";\n\npackage footfall;\n"
        .to_owned();
    let fields: Vec<Field> = record_fields().copied().collect();
    // The first one: a reader of the registry's format finds it by that.
    append(&mut text, described, "Record", described.record(), &fields);
    text
}

fn append(text: &mut String, described: &Described, name: &str, schema: &Value, fields: &[Field]) {
    text.push('\n');
    comment(text, "", &plain(schema["description"].as_str().unwrap_or_default()));
    writeln!(text, "message {name} {{").unwrap();
    for field in fields {
        comment(text, "  ", &Described::words(schema, field));
        writeln!(text, "  {} {} = {};", kind(field), field.name, field.number).unwrap();
    }
    text.push_str("}\n");
    for message in fields.iter().filter_map(Field::message) {
        append(text, described, message.name, described.part(message), message.fields);
    }
}

fn comment(text: &mut String, indent: &str, words: &str) {
    for line in words.lines() {
        writeln!(text, "{indent}// {line}").unwrap();
    }
}

fn kind(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text | Kind::Json => "string",
        Kind::Int | Kind::Time => "int64",
        Kind::UInt => "uint64",
        Kind::Double => "double",
        Kind::Bool => "bool",
        // Neither of the two has a value that would stand for a missing one.
        Kind::Map => return "map<string, string>".to_owned(),
        Kind::Message(message) => return message.name.to_owned(),
    };
    if field.required { kind.to_owned() } else { format!("optional {kind}") }
}
