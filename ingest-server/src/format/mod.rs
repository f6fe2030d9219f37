//! From a record as it was encoded, in JSON, to the form in which it stands in Kafka: as it is, as a structured CloudEvent,
//! in Avro or in Protobuf. The journal as the store, the live view and dead letters know JSON alone.

pub mod registry;
mod structured;

use crate::encode::OWN_HEADERS;
use crate::settings::{FormatSettings, Settings};
use bytes::Bytes;
use footfall_delivery::Record;
use footfall_event_model::{BinaryFormat, NoRecord, Transcoder};
use registry::{RegistryError, SchemaIds};

/// The form of records in Kafka.
#[derive(Debug)]
pub struct RecordFormat(Form);

#[derive(Debug)]
enum Form {
    Json,
    Structured,
    Binary(BinaryFormat, Option<SchemaIds>),
}

/// Why a record cannot have that form.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is no record of ours, which what was encoded here is.
    #[error(transparent)]
    NoRecord(#[from] NoRecord),
    /// Its attributes cannot be written as JSON.
    #[error("the CloudEvent could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// Its topic is none of the settings'.
    #[error("the schema has no id for the topic `{0}`, which the settings do not name")]
    NoSchemaId(String),
}

impl RecordFormat {
    /// The form of the settings. Where they name a schema registry, the ids of the schema are asked for, or, where the
    /// registry is away, are those that it gave before. Without Kafka everything stays as it is.
    ///
    /// # Errors
    /// [`RegistryError`] where there is no id.
    pub async fn open(settings: &Settings) -> Result<Self, RegistryError> {
        Ok(Self(match &settings.format {
            FormatSettings::Json => Form::Json,
            FormatSettings::StructuredJson => Form::Structured,
            FormatSettings::Binary(format, None) => Form::Binary(*format, None),
            FormatSettings::Binary(format, Some(registry)) => {
                Form::Binary(*format, Some(SchemaIds::ask(registry, *format, settings).await?))
            }
        }))
    }

    /// Keeps what a schema registry said for later starts, in the data directory.
    pub fn keep(&self) {
        if let Form::Binary(_, Some(ids)) = &self.0 {
            ids.keep();
        }
    }

    /// Whether records stay as they were encoded.
    pub fn is_as_encoded(&self) -> bool {
        matches!(self.0, Form::Json)
    }

    /// Gives the records their form. `own_bytes` says of each how many bytes of its JSON are the event's own, where that
    /// is known.
    ///
    /// # Errors
    /// [`FormatError`] where one is no record of ours.
    pub fn give(
        &self,
        records: &mut [Record],
        own_bytes: impl Iterator<Item = Option<usize>>,
    ) -> Result<(), FormatError> {
        match &self.0 {
            Form::Json => Ok(()),
            Form::Structured => records.iter_mut().try_for_each(structured::wrap),
            Form::Binary(format, ids) => {
                let mut transcoder = Transcoder::new(*format);
                let mut out = Vec::new();
                for (record, own_bytes) in records.iter_mut().zip(own_bytes) {
                    out.clear();
                    let moved = begin(record, &mut out);
                    if let Some(ids) = ids {
                        let topic = record.topic.as_deref();
                        let id = ids.of(topic);
                        append_schema(id.ok_or_else(|| no_id(topic))?, *format, &mut out);
                    }
                    transcoder.append(&record.payload, own_bytes, &mut out)?;
                    finish(record, moved, &out, content_type(*format));
                }
                Ok(())
            }
        }
    }
}

fn no_id(topic: Option<&str>) -> FormatError {
    FormatError::NoSchemaId(topic.unwrap_or_default().to_owned())
}

/// What the header `content-type` says of the value (CloudEvents 1.0, Kafka binding, section 3.2).
fn content_type(format: BinaryFormat) -> &'static str {
    match format {
        BinaryFormat::Avro => "application/avro",
        BinaryFormat::Protobuf => "application/protobuf",
    }
}

/// What Confluent's readers expect in front of a value: a byte 0, the schema's id and, for Protobuf, which of its messages
/// follows: the first one, for which one byte stands.
fn append_schema(id: u32, format: BinaryFormat, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&id.to_be_bytes());
    if format == BinaryFormat::Protobuf {
        out.push(0);
    }
}

/// Puts the values of a record's own headers at the beginning, and says where each is: they stand in one piece of memory
/// with the value, which would stay as long as they do.
fn begin(record: &Record, out: &mut Vec<u8>) -> Vec<(usize, std::ops::Range<usize>)> {
    let headers = record.headers.iter().enumerate();
    let moved = headers.filter(|(_, header)| OWN_HEADERS.contains(&header.name)).map(|(place, header)| {
        let start = out.len();
        out.extend_from_slice(header.value);
        (place, start..out.len())
    });
    moved.collect()
}

/// Gives the record its new value, which stands behind those of its headers.
fn finish(
    record: &mut Record,
    moved: Vec<(usize, std::ops::Range<usize>)>,
    text: &[u8],
    content_type: &'static str,
) {
    let text = Bytes::copy_from_slice(text);
    let start = moved.last().map_or(0, |(_, range)| range.end);
    let headers = record.headers.to_mut();
    for (place, range) in moved {
        if let Some(header) = headers.get_mut(place) {
            header.value = text.slice(range);
        }
    }
    if let Some(header) = headers.iter_mut().find(|header| header.name == "content-type") {
        header.value = Bytes::from_static(content_type.as_bytes());
    }
    record.payload = text.slice(start..);
}

#[cfg(test)]
mod tests;
