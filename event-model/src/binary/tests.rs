//! Records are read back by decoders that know nothing of the encoders: Apache's for Avro, prost's for Protobuf.

use super::*;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use proptest::prelude::*;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};
use std::sync::LazyLock;

static SCHEMA: LazyLock<apache_avro::Schema> =
    LazyLock::new(|| apache_avro::Schema::parse_str(BinaryFormat::Avro.schema()).unwrap());

static MESSAGE: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let file = protox::file::File::from_source("record.proto", BinaryFormat::Protobuf.schema()).unwrap();
    let set = FileDescriptorSet { file: vec![file.file_descriptor_proto().clone()] };
    let pool = DescriptorPool::from_file_descriptor_set(set).unwrap();
    pool.get_message_by_name(BinaryFormat::RECORD_NAME).unwrap()
});

/// What a decoder of others reads, as JSON; what is missing or an empty map is left out.
fn decoded(format: BinaryFormat, bytes: &[u8]) -> Value {
    match format {
        BinaryFormat::Avro => {
            let mut rest = bytes;
            let reader = GenericDatumReader::builder(&SCHEMA).build().unwrap();
            let value = reader.read_value(&mut rest).unwrap();
            assert!(rest.is_empty(), "{} bytes are left", rest.len());
            of_avro(value).unwrap()
        }
        BinaryFormat::Protobuf => {
            let message = DynamicMessage::decode(MESSAGE.clone(), bytes).unwrap();
            assert!(message.unknown_fields().next().is_none());
            let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
            // What has no presence in the schema is always there in a record.
            let options = options.skip_default_fields(false);
            without_empty(message.serialize_with_options(serde_json::value::Serializer, &options).unwrap())
        }
    }
}

fn of_avro(value: Avro) -> Option<Value> {
    let object = |pairs: Vec<(String, Avro)>| {
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, of_avro(value)?)));
        Value::Object(pairs.collect())
    };
    Some(match value {
        Avro::Null => return None,
        Avro::Union(_, inner) => return of_avro(*inner),
        Avro::String(text) => text.into(),
        Avro::Long(number) | Avro::TimestampMillis(number) => number.into(),
        Avro::Double(number) => number.into(),
        Avro::Boolean(is_so) => is_so.into(),
        Avro::Map(pairs) if pairs.is_empty() => return None,
        Avro::Map(pairs) => object(pairs.into_iter().collect()),
        Avro::Record(fields) => object(fields),
        other => panic!("{other:?} is not in the schema"),
    })
}

/// Without `null`, and without maps that hold nothing: they are the missing ones.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, without_empty(value)));
            let is_map = |name: &str| matches!(name, "query" | "params" | "click_ids");
            let says = |(name, value): &(String, Value)| {
                !(value.is_null() || is_map(name) && value.as_object().is_some_and(Map::is_empty))
            };
            Value::Object(members.filter(says).collect())
        }
        other => other,
    }
}

/// A record's JSON as it reads after `format`: its own values as texts, numbers as far as the format knows them.
fn expected(format: BinaryFormat, message: &Message, json: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    for field in message.fields {
        let Some(value) = json.get(field.name).filter(|value| !value.is_null()) else { continue };
        let value = match (field.kind, value) {
            (Kind::Json, value) => value.to_string().into(),
            (Kind::Double, value) => value.as_f64().unwrap().into(),
            (Kind::UInt, value) if format == BinaryFormat::Avro => {
                value.as_u64().unwrap().min(i64::MAX as u64).into()
            }
            (Kind::Message(part), Value::Object(inner)) => expected(format, part, inner).into(),
            (Kind::Map, Value::Object(inner)) if inner.is_empty() => continue,
            (_, value) => value.clone(),
        };
        fields.insert(field.name.to_owned(), value);
    }
    fields
}

fn anything(kind: Kind) -> BoxedStrategy<Value> {
    let text = || prop_oneof![r"\PC{0,9}", r#"[\n\t"\\/\u{0}é😀]{0,5}"#];
    match kind {
        Kind::Text => text().prop_map(Value::from).boxed(),
        Kind::Int | Kind::Time => any::<i64>().prop_map(Value::from).boxed(),
        Kind::UInt => any::<u64>().prop_map(Value::from).boxed(),
        Kind::Double => (0.0..1.0f64).prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Json | Kind::Map => prop::collection::btree_map(text(), text(), 0..3)
            .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k, v.into())).collect()))
            .boxed(),
        Kind::Message(message) => objects(message).prop_map(Value::Object).boxed(),
    }
}

/// Objects of that shape, with and without what may be missing; now and then a field that nobody knows.
fn objects(message: &'static Message) -> BoxedStrategy<Map<String, Value>> {
    let fields: Vec<_> = message
        .fields
        .iter()
        .map(|field| {
            let value = anything(field.kind);
            let value =
                if field.required { value.prop_map(Some).boxed() } else { prop::option::of(value).boxed() };
            value.prop_map(move |value| Some((field.name.to_owned(), value?)))
        })
        .collect();
    (fields, any::<bool>())
        .prop_map(|(fields, stranger)| {
            let stranger =
                stranger.then(|| ("a_later_field".to_owned(), serde_json::json!([{"deep": null}])));
            fields.into_iter().flatten().chain(stranger).collect()
        })
        .boxed()
}

const BOTH: [BinaryFormat; 2] = [BinaryFormat::Avro, BinaryFormat::Protobuf];

proptest! {
    #[test]
    fn other_decoders_read_what_the_json_says(
        records in prop::collection::vec((objects(&OWN), 0..2usize), 1..4),
        surroundings in prop::array::uniform2(objects(&SURROUNDINGS)),
    ) {
        for format in BOTH {
            let mut transcoder = Transcoder::new(format);
            for (own, which) in &records {
                let surroundings = &surroundings[*which];
                let mut right = expected(format, &OWN, own);
                right.extend(expected(format, &SURROUNDINGS, surroundings));
                let right = Value::Object(right);

                let mut text = serde_json::to_string(own).unwrap();
                text.pop();
                text.push(',');
                let own_bytes = text.len();
                text.push_str(&serde_json::to_string(surroundings).unwrap()[1..]);
                // What a caller had written before stays in front of it.
                let mut in_parts = b"before".to_vec();
                transcoder.append(text.as_bytes(), Some(own_bytes), &mut in_parts).unwrap();
                prop_assert_eq!(&decoded(format, &in_parts[6..]), &right);
                let mut whole = Vec::new();
                transcoder.append(text.as_bytes(), None, &mut whole).unwrap();
                prop_assert_eq!(&whole, &in_parts[6..]);
            }
        }
    }
}

#[test]
fn what_is_no_record_is_told_and_nothing_of_it_is_written() {
    let all = r#"{"schema_version":1,"event_id":"e","type":"track","timestamp":1,"received_at":1,"write_key":"pk","client":{"address_policy":"drop"}}"#;
    for format in BOTH {
        let append = |text: &str| {
            let mut out = b"before".to_vec();
            let told = Transcoder::new(format).append(text.as_bytes(), None, &mut out);
            assert_eq!(out == b"before", told.is_err(), "{text}");
            told.map_err(|error| error.to_string())
        };
        assert_eq!(append(all), Ok(()));
        for (text, right) in [
            ("", "it is no record: EOF"),
            ("[]", "expected an object"),
            (&all[..all.len() - 1], "EOF"),
            (&format!("{all} x"), "trailing characters"),
            (&all.replace("\"pk\"", "7"), "invalid type: integer `7`"),
            (&all.replace("\"timestamp\":1", "\"timestamp\":1.5"), "invalid type: floating point"),
            (&all.replace("write_key", "key"), "the field `write_key` is missing"),
            (&all.replace("address_policy", "policy"), "the field `address_policy` is missing"),
            (&all.replace("\"drop\"", "null"), "the field `address_policy` is missing"),
        ] {
            let told = append(text).unwrap_err();
            assert!(told.contains(right), "{text}: {told}");
        }
    }
}

/// `cargo test -p footfall-event-model --lib cost -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a promise"]
fn what_an_event_costs_beside_its_json() {
    use crate::{Client, EventType, Json, Record, Surroundings, UserAgent};
    use serde_json::value::to_raw_value;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    let client =
        Client { address: Some("203.0.113.0".to_owned()), address_policy: "truncate", ..Client::default() };
    let agent =
        UserAgent { browser: Some("Chrome"), os: Some("Android"), bot: Some(false), ..UserAgent::default() };
    let agent = to_raw_value(&agent).unwrap();
    let page = to_raw_value(&serde_json::json!({"scheme": "https", "host": "forum.example", "path": "/t/tomatoes/42",
        "query": {"utm_source": "mail"}, "route": "/t/{slug}/{post_id}", "params": {"slug": "tomatoes", "post_id": "42"}}))
    .unwrap();
    let context = to_raw_value(
        &serde_json::json!({"locale": "en-GB", "timezone": "Europe/London", "screen": {"width": 1280},
        "sdk": {"name": "footfall-js", "version": "0.1.0"}}),
    )
    .unwrap();
    let surroundings = Surroundings {
        sent_at: Some(1_795_458_876_617),
        received_at: 1_795_458_876_630,
        write_key: "pk_demo",
        site: None,
        server: None,
        batch_id: Some("019ab2f0-0000-7000-8000-000000000001"),
        anonymous_id: Some("019ab2f0-0000-7000-8000-000000000002"),
        session_id: Some("019ab2f0-0000-7000-8000-000000000003"),
        page_view_id: Some("019ab2f0-0000-7000-8000-000000000004"),
        context: Some(&context),
        client: &client,
        user_agent: Some(&agent),
        page: Some(&page),
        referrer: None,
        campaign: None,
    };
    let shared = surroundings.written().unwrap();
    let properties =
        Json::parse(r#"{"post_id":42,"title":"Tomatoes in May","tags":["garden","may"]}"#.to_owned())
            .unwrap();
    let record = Record {
        schema_version: 1,
        event_id: "019ab2f0-0000-7000-8000-000000000005",
        kind: EventType::Track,
        name: Some("post_view"),
        original_name: None,
        timestamp: 1_795_458_876_500,
        original_timestamp: None,
        clock_skew_ms: None,
        time_flag: None,
        seq: Some(17),
        user_id: Some("user-42"),
        group_id: None,
        previous_id: None,
        properties: Some(&properties),
        traits: None,
        key_event: None,
        possible_duplicate: None,
    };
    const BATCH: u32 = 20;
    // The best of many short spans is the one in which nothing else ran.
    let time = |name: &str, one: &mut dyn FnMut(u32, &mut Vec<u8>)| {
        let (mut out, mut best) = (Vec::new(), Duration::MAX);
        for _ in 0..500 {
            let begun = Instant::now();
            for n in 0..10 * BATCH {
                out.clear();
                one(n, black_box(&mut out));
            }
            best = best.min(begun.elapsed() / (10 * BATCH));
        }
        println!("{name}: {} ns an event, {} bytes", best.as_nanos(), out.len());
    };
    time("JSON", &mut |_, out| {
        record.append_to(out, &shared).unwrap();
    });
    let mut json = Vec::new();
    let own_bytes = record.append_to(&mut json, &shared).unwrap();
    for format in BOTH {
        let mut transcoder = Transcoder::new(format);
        time(&format!("{format:?} on top of it, batches of {BATCH}"), &mut |n, out| {
            if n % BATCH == 0 {
                transcoder = Transcoder::new(format);
            }
            transcoder.append(&json, Some(own_bytes), out).unwrap();
        });
        time(&format!("{format:?} on top of it, alone"), &mut |_, out| {
            Transcoder::new(format).append(&json, None, out).unwrap();
        });
    }
}
