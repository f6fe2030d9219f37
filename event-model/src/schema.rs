//! Keeps the published JSON Schemas (`event-model/schemas/`) equal to the types they are generated from.
//! After a change of the wire form: `UPDATE_SCHEMA=1 cargo test -p footfall-event-model schema`, and read the difference.

use crate::record::WholeRecord;
use crate::{Answer, Batch, Refusal};
use schemars::{JsonSchema, schema_for};
use std::path::Path;

fn published_equals_generated<T: JsonSchema>(name: &str) {
    let mut generated = serde_json::to_string_pretty(&schema_for!(T)).unwrap();
    generated.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == generated, "{name} is not what the types say; see the top of src/schema.rs");
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
fn the_published_schema_of_a_record_is_the_types_own() {
    published_equals_generated::<WholeRecord<'static>>("record.schema.json");
}
