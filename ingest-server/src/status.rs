//! How a running server is, for its operator: what `GET /status` answers and `footfall status` reads.
//! It names no visitor; figures for graphs are metrics.

use crate::log::LogLine;
use footfall_delivery::{DeliveryStats, ProducerStats, Readiness};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// When this process began, or near enough.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Notes the start of the process.
pub fn started() {
    LazyLock::force(&STARTED);
}

/// How a server is. Times are in milliseconds, sizes in bytes; totals count from the start of the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// How long it has run.
    pub uptime_ms: u64,
    /// Why events cannot be made durable now; missing while they can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<String>,
    /// Kafka, where it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaStatus>,
    /// The journal.
    pub journal: JournalStatus,
    /// What waits in memory to become durable.
    pub memory: MemoryStatus,
    /// Records made durable.
    pub stored_records: u64,
    /// Records that were taken and then not stored.
    pub failed_records: u64,
    /// The last warnings and errors of the log, the oldest first.
    pub warnings: Vec<LogLine>,
}

/// Kafka, as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaStatus {
    /// `healthy`, `away` or `recovering`.
    pub state: String,
    /// How long it has been so.
    pub lasted_ms: u64,
    /// How long the oldest record waits that was handed to Kafka.
    pub oldest_unacknowledged_ms: u64,
    /// Rows of the journal that wait for Kafka.
    pub waiting_rows: u64,
    /// Records that went from the journal to Kafka.
    pub drained_records: u64,
    /// Records that may stand in Kafka twice.
    pub possible_duplicates: u64,
    /// Records that Kafka refused for good, kept as dead letters.
    pub set_aside_records: u64,
    /// Records that were answered and then not stored, as at-most-once allows.
    #[serde(default)]
    pub lost_records: u64,
    /// The way to Kafka, as librdkafka has measured it within the last seconds.
    #[serde(default)]
    pub producer: ProducerStatus,
}

/// librdkafka's producer. Times are those that half and 99 of 100 kept to, of the slowest broker, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerStatus {
    /// Records that it holds, those under way included.
    pub records: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// From a request to its answer, half of them.
    pub round_trip_p50_us: u64,
    /// 99 of 100.
    pub round_trip_p99_us: u64,
}

/// The journal on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// What it takes.
    pub used_bytes: u64,
    /// What it may take.
    pub max_bytes: u64,
    /// Events that went by age or for room.
    pub expired_rows: u64,
    /// Events that stay in it; those that wait for Kafka are not among them.
    #[serde(default)]
    pub event_rows: u64,
    /// Rows that did not fit their checksum or cannot be read.
    pub damaged_rows: u64,
}

/// What is not durable yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Records.
    pub records: u64,
    /// What they take.
    pub used_bytes: u64,
    /// What they may take.
    pub max_bytes: u64,
}

impl Status {
    /// Puts together what is known.
    pub fn new(readiness: Readiness, stats: &DeliveryStats, warnings: Vec<LogLine>) -> Self {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_ms: ms(STARTED.elapsed()),
            not_ready: match readiness {
                Readiness::Ready => None,
                Readiness::NotReady { reason } => Some(reason),
            },
            kafka: stats.kafka.as_ref().map(|kafka| KafkaStatus {
                state: kafka.state.as_str().to_owned(),
                lasted_ms: ms(kafka.lasted),
                oldest_unacknowledged_ms: ms(kafka.oldest_unacknowledged),
                waiting_rows: kafka.waiting_rows,
                drained_records: kafka.drained_records,
                possible_duplicates: kafka.possible_duplicates,
                set_aside_records: kafka.set_aside_records,
                lost_records: kafka.lost_records,
                producer: ProducerStatus::of(&kafka.producer),
            }),
            journal: JournalStatus {
                used_bytes: stats.journal.used_bytes,
                max_bytes: stats.journal.max_bytes,
                expired_rows: stats.journal.expired_rows,
                event_rows: stats.journal.event_rows,
                damaged_rows: stats.journal.damaged_rows,
            },
            memory: MemoryStatus {
                records: stats.memory_records as u64,
                used_bytes: stats.memory_bytes as u64,
                max_bytes: stats.memory_max_bytes as u64,
            },
            stored_records: stats.appended_records,
            failed_records: stats.failed_records,
            warnings,
        }
    }
}

impl ProducerStatus {
    fn of(stats: &ProducerStats) -> Self {
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self {
            records: stats.records,
            retries: stats.retries,
            round_trip_p50_us: us(stats.round_trip.p50),
            round_trip_p99_us: us(stats.round_trip.p99),
        }
    }
}
