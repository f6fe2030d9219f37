//! Counts for metrics: what is in memory, what was stored, what failed.
//! How they are named and exported is left to the caller.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::fallback::KafkaState;

/// A reading of the counts; totals count from the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    /// Bytes of unacknowledged records now.
    pub memory_bytes: usize,
    /// The bound of `memory_bytes`.
    pub memory_max_bytes: usize,
    /// Unacknowledged records now.
    pub memory_records: usize,
    /// Batches stored completely.
    pub appended_batches: u64,
    /// Records stored, those of partly stored batches included.
    pub appended_records: u64,
    /// Records that were taken and then not stored.
    pub failed_records: u64,
    /// Records that were refused before they were taken: memory full, batch too large.
    pub refused_records: u64,
    /// The journal's size.
    pub journal: JournalStats,
    /// What is known of Kafka, where it is set.
    pub kafka: Option<FallbackStats>,
}

/// Kafka, and the rows of the journal that wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FallbackStats {
    /// Where new batches go.
    pub state: KafkaState,
    /// How long it has been so.
    pub lasted: Duration,
    /// Changes of `state` since the start.
    pub changes: u64,
    /// How long the oldest record waits that the producer holds; zero where it holds none.
    pub oldest_unacknowledged: Duration,
    /// Rows of the journal that Kafka has not acknowledged.
    pub waiting_rows: u64,
    /// Records that came from rows and were acknowledged.
    pub drained_records: u64,
    /// Records that were copied to the journal and then acknowledged without being sent again.
    pub late_acknowledgements: u64,
    /// Records that may stand in Kafka twice: given up on their way, told to be sent again, or without an id.
    pub possible_duplicates: u64,
    /// Records that Kafka refused for good, kept as dead letters.
    pub set_aside_records: u64,
    /// Records that were answered and then not stored, which only at-most-once allows.
    pub lost_records: u64,
    /// Transactions that were committed, where records go by them.
    pub committed_transactions: u64,
    /// Transactions that were not committed: their records went to the journal.
    pub aborted_transactions: u64,
    /// The producer.
    pub producer: ProducerStats,
}

/// librdkafka's producer, as it told of itself within the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerStats {
    /// Records that it holds, those under way included.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Requests that were sent again since the start.
    pub retries: u64,
    /// From a request to its answer; of the slowest broker.
    pub round_trip: Percentiles,
}

/// What half and 99 of 100 keep to. Zero where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub p50: Duration,
    pub p99: Duration,
}

/// The journal's size and work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Bytes in use by rows and indexes, freed pages not counted, as of the last commit.
    pub used_bytes: u64,
    /// The bound of `used_bytes`.
    pub max_bytes: u64,
    /// Bytes of the write-ahead log, as of the last checkpoint.
    pub wal_bytes: u64,
    /// Transactions since the start: each is one fsync for all batches that waited.
    pub commits: u64,
    /// Events that went by age or for room since the start.
    pub expired_rows: u64,
    /// Events that stay here, told by the numbers of the first and the last.
    pub event_rows: u64,
    /// Rows that did not fit their checksum, or whose pages cannot be read, found since the start.
    pub damaged_rows: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) appended_batches: Count,
    pub(crate) appended_records: Count,
    pub(crate) failed_records: Count,
    pub(crate) refused_records: Count,
}

/// A number that one side writes and another reads now and then.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
