use super::*;
use footfall_delivery::Header;
use serde_json::{Value, json};

const JSON: &str = r#"{"schema_version":1,"event_id":"e1","type":"track","event":"a","timestamp":7,"properties":{"n": 1},"received_at":8,"write_key":"pk","client":{"address_policy":"drop"}}"#;

fn record(topic: Option<&str>) -> Record {
    let headers = [
        ("ce_id", "e1"),
        ("ce_type", "footfall.track.a"),
        ("ce_time", "1970-01-01T00:00:00.007Z"),
        ("ce_specversion", "1.0"),
        ("ce_source", "/sites/pk"),
        ("content-type", "application/json"),
        ("batch_id", "b\"1"),
        ("traceparent", "00-1-2-00"),
    ];
    Record {
        headers: Vec::from(headers.map(|(name, value)| Header::new(name, value))).into(),
        payload: JSON.into(),
        topic: topic.map(Into::into),
        ..Record::default()
    }
}

fn given(form: Form, topic: Option<&str>) -> Result<Record, String> {
    let mut records = [record(topic)];
    let told = RecordFormat(form).give(&mut records, std::iter::once(None));
    told.map(|()| records[0].clone()).map_err(|error| error.to_string())
}

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    let mut all = record.headers.iter().filter(|header| header.name == name);
    let (found, more) = (all.next().unwrap(), all.next());
    assert!(more.is_none(), "{name} stands twice");
    str::from_utf8(found.value).unwrap()
}

#[test]
fn a_structured_cloud_event_has_the_attributes_and_the_record_in_one_line() {
    let made = given(Form::Structured, None).unwrap();
    assert!(!made.payload.contains(&b'\n'));
    let value: Value = serde_json::from_slice(&made.payload).unwrap();
    let right = json!({
        "specversion": "1.0", "id": "e1", "source": "/sites/pk", "type": "footfall.track.a",
        "time": "1970-01-01T00:00:00.007Z", "datacontenttype": "application/json", "traceparent": "00-1-2-00",
        "batchid": "b\"1", "data": serde_json::from_str::<Value>(JSON).unwrap(),
    });
    assert_eq!(value, right);
    assert_eq!(header(&made, "content-type"), "application/cloudevents+json; charset=UTF-8");
    for name in ["ce_id", "ce_type", "ce_time", "ce_source", "batch_id", "traceparent"] {
        assert_eq!(header(&made, name), header(&record(None), name));
    }
}

#[test]
fn a_schemas_id_stands_in_front_of_what_its_topic_gets() {
    for (format, content_type, head) in [
        (BinaryFormat::Avro, "application/avro", &[0, 0, 1, 0, 2][..]),
        (BinaryFormat::Protobuf, "application/protobuf", &[0, 0, 1, 0, 2, 0]),
    ] {
        let bare = given(Form::Binary(format, None), None).unwrap();
        assert_eq!(header(&bare, "content-type"), content_type);
        assert_eq!((header(&bare, "ce_id"), header(&bare, "ce_time")), ("e1", "1970-01-01T00:00:00.007Z"));
        let mut right = Vec::new();
        Transcoder::new(format).append(JSON.as_bytes(), None, &mut right).unwrap();
        assert_eq!(bare.payload, right);

        let ids = || Some(SchemaIds::new([(None, 7), (Some("shop"), 0x0001_0002)]));
        let made = given(Form::Binary(format, ids()), Some("shop")).unwrap();
        assert_eq!(made.payload, [head, &right].concat());
        let told = given(Form::Binary(format, ids()), Some("elsewhere")).unwrap_err();
        assert!(told.contains("no id for the topic `elsewhere`"), "{told}");
    }
}

#[test]
fn what_is_no_record_is_told() {
    for form in [Form::Structured, Form::Binary(BinaryFormat::Avro, None)] {
        let mut records = [Record { payload: "{".into(), ..Record::default() }];
        let told = RecordFormat(form).give(&mut records, std::iter::once(None)).unwrap_err();
        assert!(told.to_string().contains("EOF"), "{told}");
    }
}
