//! A record inside of a CloudEvent in JSON: CloudEvents 1.0, JSON format, in structured mode of the Kafka binding.
//! The headers of the binary mode stay, as the binding allows, so that whoever tells copies by `ce_id` goes on.

use super::{FormatError, begin, finish};
use footfall_delivery::{Headers, Record};
use serde::Serialize;
use serde_json::value::RawValue;

/// The attributes, in the order of the specification; the names of extensions are lower-case letters alone.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: &'a str,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batchid: Option<&'a str>,
    data: &'a RawValue,
}

/// Makes a CloudEvent of a record, in one line as the record is.
pub(super) fn wrap(record: &mut Record) -> Result<(), FormatError> {
    let mut out = Vec::with_capacity(record.payload.len() + 512);
    let moved = begin(record, &mut out);
    let event = CloudEvent {
        specversion: "1.0",
        id: text(&record.headers, "ce_id").unwrap_or_default(),
        source: text(&record.headers, "ce_source").unwrap_or_default(),
        kind: text(&record.headers, "ce_type").unwrap_or_default(),
        time: text(&record.headers, "ce_time").unwrap_or_default(),
        datacontenttype: "application/json",
        traceparent: text(&record.headers, "traceparent"),
        batchid: text(&record.headers, "batch_id"),
        data: serde_json::from_slice(&record.payload)?,
    };
    serde_json::to_writer(&mut out, &event)?;
    finish(record, moved, &out, "application/cloudevents+json; charset=UTF-8");
    Ok(())
}

fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name == name)?;
    str::from_utf8(header.value).ok()
}
