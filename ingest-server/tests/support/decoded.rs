//! Reads records as consumers do, by decoders that know nothing of ours, into the JSON that they stand for.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Map, Value};

/// An Avro value under its schema.
pub fn avro(schema: &str, mut bytes: &[u8]) -> Value {
    let schema = Schema::parse_str(schema).unwrap();
    let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut bytes).unwrap();
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    opened(apache_avro::from_value(&value).unwrap())
}

/// The first message of a Protobuf schema.
pub fn protobuf(schema: &str, bytes: &[u8]) -> Value {
    let file = protox::file::File::from_source("record.proto", schema).unwrap();
    let set = FileDescriptorSet { file: vec![file.file_descriptor_proto().clone()] };
    let pool = DescriptorPool::from_file_descriptor_set(set).unwrap();
    let message = pool.all_messages().next().unwrap();
    let message = DynamicMessage::decode(message, bytes).unwrap();
    assert!(message.unknown_fields().next().is_none());
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    opened(message.serialize_with_options(serde_json::value::Serializer, &options).unwrap())
}

/// As the record's JSON has it: nothing that is missing or an empty map, and the site's own values as what they are.
fn opened(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let says = |(name, value): (String, Value)| {
        let is_map = matches!(name.as_str(), "query" | "params" | "click_ids");
        let is_own = matches!(name.as_str(), "properties" | "traits" | "campaign" | "screen" | "consent");
        let value = match value {
            Value::Null => return None,
            Value::Object(pairs) if is_map && pairs.is_empty() => return None,
            Value::String(text) if is_own => serde_json::from_str(&text).unwrap(),
            value => opened(value),
        };
        Some((name, value))
    };
    Value::Object(members.into_iter().filter_map(says).collect::<Map<_, _>>())
}
