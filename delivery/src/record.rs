//! What is handed over: a record, its headers, and the batch that is made durable as one.
//! What a record says is decided by whoever encodes it.

use std::sync::Arc;

use bytes::Bytes;

use crate::headers::Headers;

/// What one record occupies in memory beside its own bytes: bookkeeping here and in the producer.
pub const RECORD_OVERHEAD_BYTES: usize = 256;

/// What one header occupies in memory beside its name and value.
pub const HEADER_OVERHEAD_BYTES: usize = 64;

/// The most records that one batch may hold.
pub const BATCH_MAX_RECORDS: usize = 65_536;

/// How early a record may be refused when room is short: the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Events that the owner of the site has named as key events.
    Key,
    /// Everything that was not said to be anything else.
    #[default]
    Normal,
    /// What may wait or be shed first.
    Background,
}

/// One record as it will stand in the topic or the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Decides the partition (records of one key stay in order); `None` lets the producer choose.
    pub key: Option<Bytes>,
    /// What is said of it beside its value.
    pub headers: Headers,
    /// The record's value.
    pub payload: Bytes,
    /// How early it may be refused when room is short.
    pub priority: Priority,
    /// The topic of an event that goes to another one than the rest, one of `KafkaSettings::routed_topics`.
    pub topic: Option<Arc<str>>,
}

impl Record {
    /// The memory in bytes that this record is charged for until it is durable.
    pub fn size_bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|h| HEADER_OVERHEAD_BYTES + h.name.len() + h.value.len()).sum();
        RECORD_OVERHEAD_BYTES + self.key.as_ref().map_or(0, Bytes::len) + headers + self.payload.len()
    }
}

impl Record {
    /// About what this record takes in a produce batch, before compression.
    pub(crate) fn wire_bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|h| 4 + h.name.len() + h.value.len()).sum();
        WIRE_OVERHEAD_BYTES + self.key.as_ref().map_or(0, Bytes::len) + headers + self.payload.len()
    }
}

/// Lengths, offsets and times of a record, and the head of its batch.
const WIRE_OVERHEAD_BYTES: usize = 128;

/// Which of the two streams a batch belongs to: each has a topic, or a table of the journal, of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stream {
    /// What was accepted.
    #[default]
    Events,
    /// What was refused, kept for whoever mends it.
    DeadLetters,
}

/// Records that are handed over together and answered together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    records: Vec<Record>,
    size_bytes: usize,
    stream: Stream,
}

impl Batch {
    /// A batch of these records, in this order.
    pub fn new(records: Vec<Record>) -> Self {
        let size_bytes = records.iter().map(Record::size_bytes).sum();
        Self { records, size_bytes, stream: Stream::Events }
    }

    /// The same for records that are dead letters.
    pub fn dead_letters(records: Vec<Record>) -> Self {
        Self { stream: Stream::DeadLetters, ..Self::new(records) }
    }

    /// Which stream the records belong to.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// The memory in bytes that this batch is charged for until it is durable.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The records, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Header;

    #[test]
    fn a_batch_is_charged_for_everything_it_holds() {
        let record = Record {
            key: Some(Bytes::from_static(b"user")),
            headers: vec![Header::new("ce_id", "0123456789")].into(),
            payload: Bytes::from_static(b"payload"),
            priority: Priority::Normal,
            topic: None,
        };
        let one = RECORD_OVERHEAD_BYTES + 4 + HEADER_OVERHEAD_BYTES + 5 + 10 + 7;
        assert_eq!(record.size_bytes(), one);
        assert_eq!(Batch::new(vec![record.clone(), record]).size_bytes(), 2 * one);
        assert_eq!(Batch::default().size_bytes(), 0);
    }
}
