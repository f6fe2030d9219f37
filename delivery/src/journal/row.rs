//! How a record stands in a row of the journal and comes back from it, guarded by a checksum.
//! Which rows are read or written when is decided elsewhere.
//!
//! The checksum is CRC-32 (IEEE) over, in this order: `appended_at_ms` as 8 bytes; the length of `partition_key`
//! as 8 bytes (all ones where it is NULL) and its bytes; the length of `headers` as 8 bytes and its bytes; the
//! payload. Numbers are big-endian. The lengths keep a byte from moving between columns unseen.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::headers::{Header, Headers};

/// One record as read back from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Rises with each record, never used twice.
    pub seq: i64,
    /// When it was written, in milliseconds since 1970, UTC.
    pub appended_at_ms: i64,
    /// The record's key.
    pub key: Option<Bytes>,
    /// The record's headers, in order.
    pub headers: Vec<Header>,
    /// The record's value.
    pub payload: Bytes,
}

pub(super) fn checksum(appended_at_ms: i64, key: Option<&[u8]>, headers: &str, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&appended_at_ms.to_be_bytes());
    crc.update(&key.map_or(u64::MAX, |key| key.len() as u64).to_be_bytes());
    crc.update(key.unwrap_or_default());
    crc.update(&(headers.len() as u64).to_be_bytes());
    crc.update(headers.as_bytes());
    crc.update(payload);
    crc.finalize()
}

/// Writes the headers as a JSON object over what `text` held, so that one buffer serves every row.
pub(super) fn write_headers(text: &mut Vec<u8>, headers: &Headers) -> Result<(), serde_json::Error> {
    text.clear();
    serde_json::to_writer(text, &HeadersOut(headers))
}

pub(super) fn read_headers(text: &str) -> Result<Vec<Header>, serde_json::Error> {
    serde_json::from_str::<HeadersIn>(text).map(|headers| headers.0)
}

struct HeadersOut<'a>(&'a Headers);

impl Serialize for HeadersOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for header in self.0.iter() {
            match str::from_utf8(header.value) {
                Ok(text) => map.serialize_entry(header.name, text)?,
                Err(_) => map.serialize_entry(header.name, header.value)?,
            }
        }
        map.end()
    }
}

/// Keeps the order and a name that stands twice, which a map would not.
struct HeadersIn(Vec<Header>);

impl<'de> Deserialize<'de> for HeadersIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = HeadersIn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeadersIn, A::Error> {
        let mut headers = Vec::new();
        while let Some((name, ValueIn(value))) = map.next_entry::<String, ValueIn>()? {
            headers.push(Header { name: Cow::Owned(name), value });
        }
        Ok(HeadersIn(headers))
    }
}

struct ValueIn(Bytes);

impl<'de> Deserialize<'de> for ValueIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ValueIn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an array of bytes")
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueIn, E> {
        Ok(ValueIn(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ValueIn, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element::<u8>()? {
            bytes.push(byte);
        }
        Ok(ValueIn(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(headers: &[Header]) -> (String, Vec<Header>) {
        let mut text = b"left over".to_vec();
        write_headers(&mut text, &headers.to_vec().into()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let back = read_headers(&text).unwrap();
        (text, back)
    }

    #[test]
    fn headers_come_back_as_they_were_in_order_and_doubled() {
        let headers = vec![
            Header::new("ce_type", "post \"view\"\u{0}\u{1F600}"),
            Header::new("b", ""),
            Header::new("a", "1"),
            Header::new("b", "2"),
            Header::new("raw", &[0xff_u8, 0, 7][..]),
        ];
        let (text, back) = round_trip(&headers);
        assert_eq!(back, headers);
        assert!(text.contains(r#""raw":[255,0,7]"#), "{text}");
        assert_eq!(round_trip(&[]), ("{}".to_owned(), Vec::new()));
    }

    #[test]
    fn the_checksum_sees_each_column_and_where_it_ends() {
        let whole = checksum(1, Some(b"ab"), "{}", b"cd");
        for other in [
            checksum(2, Some(b"ab"), "{}", b"cd"),
            checksum(1, Some(b"a"), "{}", b"bcd"),
            checksum(1, Some(b"ab"), "{}c", b"d"),
            checksum(1, Some(b"ab"), "{}", b"ce"),
        ] {
            assert_ne!(whole, other);
        }
        assert_ne!(checksum(1, None, "", b""), checksum(1, Some(b""), "", b""));
    }
}
