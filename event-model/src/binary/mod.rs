//! The record in Avro and in Protobuf, made of its JSON text by the table of its fields.
//! In front of a record stands nothing here: what a schema registry wants there is the server's part.

mod avro;
mod protobuf;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
mod value;

use shape::{Field, Kind, Message, OWN, SURROUNDINGS};

/// A binary form of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryFormat {
    /// Apache Avro, binary encoding.
    Avro,
    /// Protocol Buffers, version 3.
    Protobuf,
}

impl BinaryFormat {
    /// The record's schema, as it is published: an Avro schema, or a `.proto` file.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Avro => include_str!("../../schemas/record.avsc"),
            Self::Protobuf => include_str!("../../schemas/record.proto"),
        }
    }

    /// The full name that both schemas give the record.
    pub const RECORD_NAME: &'static str = "footfall.Record";
}

/// Why there is no binary form of a text: it is no record of ours.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    /// It is not the JSON that a record is.
    #[error("it is no record: {0}")]
    Json(#[from] serde_json::Error),
    /// What each record has is missing.
    #[error("it is no record: the field `{0}` is missing")]
    Missing(&'static str),
}

/// Writes records in a binary form. What records share that follow each other is written once.
#[derive(Debug)]
pub struct Transcoder {
    format: BinaryFormat,
    /// The surroundings of the last record: as a JSON object, and as they were written.
    last: Option<(Vec<u8>, Vec<u8>)>,
    own: Vec<u8>,
}

impl Transcoder {
    /// A writer of that form.
    pub fn new(format: BinaryFormat) -> Self {
        Self { format, last: None, own: Vec::new() }
    }

    /// Appends the record whose JSON text this is. `own_bytes` says how many of it were the event's own where that is
    /// known ([`crate::Record::append_to`]); what stands behind them is compared with what stood there before.
    ///
    /// # Errors
    /// [`NoRecord`] where the text is no record; then nothing is appended.
    pub fn append(
        &mut self,
        json: &[u8],
        own_bytes: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), NoRecord> {
        let start = out.len();
        let written = match own_bytes.and_then(|own_bytes| json.split_at_checked(own_bytes)) {
            Some((own, surroundings)) => self.append_parts(own, surroundings, out),
            None => {
                self.append_part(&OWN, json, out).and_then(|()| self.append_part(&SURROUNDINGS, json, out))
            }
        };
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The same for a text of which the comma between the two parts is the last byte of the first.
    fn append_parts(&mut self, own: &[u8], surroundings: &[u8], out: &mut Vec<u8>) -> Result<(), NoRecord> {
        let mut text = std::mem::take(&mut self.own);
        text.clear();
        text.extend_from_slice(own);
        if let Some(end) = text.last_mut() {
            *end = b'}';
        }
        let appended = self.append_part(&OWN, &text, out);
        self.own = text;
        appended?;
        if let Some((_, written)) = self.last.as_ref().filter(|(text, _)| text.get(1..) == Some(surroundings))
        {
            out.extend_from_slice(written);
            return Ok(());
        }
        let mut text = Vec::with_capacity(surroundings.len() + 1);
        text.push(b'{');
        text.extend_from_slice(surroundings);
        let mut written = Vec::with_capacity(surroundings.len());
        self.append_part(&SURROUNDINGS, &text, &mut written)?;
        out.extend_from_slice(&written);
        self.last = Some((text, written));
        Ok(())
    }

    fn append_part(&self, message: &'static Message, json: &[u8], out: &mut Vec<u8>) -> Result<(), NoRecord> {
        let values = value::read(message, json)?;
        match self.format {
            BinaryFormat::Avro => avro::append(message, &values, out),
            BinaryFormat::Protobuf => protobuf::append(message, &values, out),
        }
    }
}

impl Field {
    fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map)
    }

    /// The message that it holds, if it does.
    pub(crate) fn message(&self) -> Option<&'static Message> {
        match self.kind {
            Kind::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// Seven bits a byte, the least first; the highest bit says that more follow.
fn append_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
