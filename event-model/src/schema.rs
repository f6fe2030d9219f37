//! Keeps the published schemas (`event-model/schemas/`) equal to the types they are generated from: JSON Schema for all
//! that crosses the wire, Avro and Protobuf for the record. What was released is changed by additions alone.
//! After a change of the wire form: `UPDATE_SCHEMA=1 cargo test -p footfall-event-model schema`, and read the difference.

mod avro;
mod compatibility;
mod described;
mod protobuf;

use crate::record::WholeRecord;
use crate::{Answer, Batch, Refusal};
use described::Described;
use schemars::{JsonSchema, schema_for};
use std::path::Path;

fn published_equals(name: &str, mut generated: String) {
    if !generated.ends_with('\n') {
        generated.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == generated, "{name} is not what the types say; see the top of src/schema.rs");
}

fn published_equals_generated<T: JsonSchema>(name: &str) {
    published_equals(name, serde_json::to_string_pretty(&schema_for!(T)).unwrap());
}

#[test]
fn the_published_schema_of_a_batch_is_the_types_own() {
    published_equals_generated::<Batch<'static>>("batch.schema.json");
}

#[test]
fn the_published_schema_of_an_answer_is_the_types_own() {
    published_equals_generated::<Answer>("answer.schema.json");
    published_equals_generated::<Refusal>("refusal.schema.json");
}

#[test]
fn the_published_schemas_of_a_record_are_the_types_own() {
    let schema = schema_for!(WholeRecord<'static>);
    published_equals("record.schema.json", serde_json::to_string_pretty(&schema).unwrap());
    let described = Described::new(schema.to_value());
    described.is_what_the_table_says();
    published_equals("record.avsc", avro::schema(&described));
    published_equals("record.proto", protobuf::schema(&described));
}
