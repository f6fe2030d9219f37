//! The record's Avro schema, made of the table of its fields and the types' words.

use super::described::{Described, plain, record_fields};
use crate::binary::shape::{Field, Kind};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
struct AvroRecord {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    doc: String,
    fields: Vec<AvroField>,
}

#[derive(Serialize)]
struct AvroField {
    name: &'static str,
    #[serde(rename = "type")]
    kind: AvroType,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    doc: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum AvroType {
    Named(&'static str),
    Said(Value),
    Record(Box<AvroRecord>),
    Union(&'static str, Box<AvroType>),
}

pub(super) fn schema(described: &Described) -> String {
    let fields: Vec<Field> = record_fields().copied().collect();
    let record = record(described, "Record", Some("footfall"), described.record(), &fields);
    serde_json::to_string_pretty(&record).unwrap()
}

fn record(
    described: &Described,
    name: &'static str,
    namespace: Option<&'static str>,
    schema: &Value,
    fields: &[Field],
) -> AvroRecord {
    let doc = plain(schema["description"].as_str().unwrap_or_default());
    let fields = fields.iter().map(|field| AvroField {
        name: field.name,
        kind: kind(described, field),
        default: match (field.kind, field.required) {
            (_, true) => None,
            (Kind::Map, _) => Some(json!({})),
            _ => Some(Value::Null),
        },
        doc: Described::words(schema, field),
    });
    AvroRecord { kind: "record", name, namespace, doc, fields: fields.collect() }
}

fn kind(described: &Described, field: &Field) -> AvroType {
    let is_map = matches!(field.kind, Kind::Map);
    let kind = match field.kind {
        Kind::Text | Kind::Json => AvroType::Named("string"),
        Kind::Int | Kind::UInt => AvroType::Named("long"),
        Kind::Time => AvroType::Said(json!({"type": "long", "logicalType": "timestamp-millis"})),
        Kind::Double => AvroType::Named("double"),
        Kind::Bool => AvroType::Named("boolean"),
        Kind::Map => AvroType::Said(json!({"type": "map", "values": "string"})),
        Kind::Message(message) => {
            let part = described.part(message);
            AvroType::Record(Box::new(record(described, message.name, None, part, message.fields)))
        }
    };
    if field.required || is_map { kind } else { AvroType::Union("null", Box::new(kind)) }
}
