//! What can go wrong while a batch is appended, and while the delivery is opened.
//! HTTP codes and metric labels are derived from these by the callers.

use std::path::PathBuf;
use std::time::Duration;

use crate::receipt::{RecordFailure, RecordOutcome};

/// Why a batch was not made durable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeliveryError {
    /// The memory for unacknowledged records is taken; it is never waited for.
    #[error(
        "the memory for unacknowledged records is full: {wanted_bytes} bytes wanted, \
         {used_bytes} of {limit_bytes} in use"
    )]
    MemoryFull {
        /// What the batch would have taken.
        wanted_bytes: usize,
        /// What was taken by others at that moment.
        used_bytes: usize,
        /// The bound.
        limit_bytes: usize,
    },
    /// The batch is larger than the memory bound or the number of records allowed, so that it can never fit.
    #[error(
        "the batch can never be taken: {records} records and {bytes} bytes, at most {max_records} records \
         and {max_bytes} bytes are possible"
    )]
    BatchTooLarge {
        /// Size of the batch.
        bytes: usize,
        /// The memory bound.
        max_bytes: usize,
        /// Number of records in the batch.
        records: usize,
        /// The most records that a batch may hold.
        max_records: usize,
    },
    /// The journal has reached its cap; nothing that it holds was given up for it.
    #[error("the journal is full: {reason}")]
    JournalFull {
        /// Which bound was reached.
        reason: String,
    },
    /// The disk under the journal fails or is full.
    #[error("the journal cannot be written: {reason}")]
    JournalIo {
        /// The cause in SQLite's and the system's words.
        reason: String,
    },
    /// Kafka refused every record of the batch, all for the same cause.
    #[error("Kafka did not take the batch: {}", .0.reason)]
    Kafka(RecordFailure),
    /// No acknowledgement arrived in time. Records may still have been stored: send them with the same ids.
    #[error("Kafka did not acknowledge the batch within {} ms: {reason}", .after.as_millis())]
    TimedOut {
        /// How long it was waited.
        after: Duration,
        /// What is known of the cause.
        reason: String,
    },
    /// Some records are durable and some are not.
    #[error("{} of {} records were not stored", failed_count(.outcomes), .outcomes.len())]
    Partial {
        /// What became of each record, in record order.
        outcomes: Vec<RecordOutcome>,
    },
    /// The delivery is shutting down or has stopped.
    #[error("the delivery is closed and takes nothing more")]
    Closed,
}

fn failed_count(outcomes: &[RecordOutcome]) -> usize {
    outcomes.iter().filter(|o| matches!(o, RecordOutcome::Failed(_))).count()
}

impl DeliveryError {
    /// Stable name of the kind of error, for answers and metric labels.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MemoryFull { .. } => "memory_full",
            Self::BatchTooLarge { .. } => "batch_too_large",
            Self::JournalFull { .. } => "journal_full",
            Self::JournalIo { .. } => "journal_io",
            Self::Kafka(failure) => failure.code,
            Self::TimedOut { .. } => "timed_out",
            Self::Partial { .. } => "partial",
            Self::Closed => "closed",
        }
    }

    /// When the same batch is worth sending again; `None` where no retry can help.
    ///
    /// The values are steps of the 1-2-4-8 s pace: memory is soon free again, a full journal is not.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = match self {
            Self::MemoryFull { .. } | Self::Closed => 1,
            Self::JournalIo { .. } | Self::TimedOut { .. } => 2,
            Self::JournalFull { .. } => 8,
            Self::Kafka(failure) if failure.retry => 2,
            Self::Partial { outcomes } => {
                let retry = |o: &RecordOutcome| matches!(o, RecordOutcome::Failed(f) if f.retry);
                outcomes.iter().any(retry).then_some(2)?
            }
            Self::Kafka(_) | Self::BatchTooLarge { .. } => return None,
        };
        Some(Duration::from_secs(seconds))
    }
}

/// Why a delivery, or a reader of its journal, could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is wrong; the first of those that [`DeliverySettings::check`](crate::DeliverySettings::check) finds.
    #[error(transparent)]
    Setting(#[from] WrongSetting),
    /// A file or the data directory cannot be opened or made.
    #[error("cannot open {}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's cause.
        source: std::io::Error,
    },
    /// Another process writes this journal.
    #[error(
        "the data directory {} is in use by another process: stop that one, or give this one a directory \
         of its own",
        .data_dir.display()
    )]
    InUse {
        /// The directory that holds the lock.
        data_dir: PathBuf,
    },
    /// There is no journal to read.
    #[error("there is no journal in {}: nothing was stored there yet, or the directory is wrong", .data_dir.display())]
    NoJournal {
        /// The directory that was searched.
        data_dir: PathBuf,
    },
    /// The file was not written by this product.
    #[error("{} is not a readable Footfall journal: {reason}", .path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The file is one of ours as far as can be told, and damaged.
    #[error("the journal {} is damaged: {reason}", .path.display())]
    DamagedJournal {
        /// The file.
        path: PathBuf,
        /// The cause in SQLite's words.
        reason: String,
    },
    /// The journal was written by a newer version.
    #[error(
        "the journal {} has schema version {found}; this version of Footfall knows up to {known}: \
         use the newer version again, or another data directory",
        .path.display()
    )]
    NewerJournal {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// SQLite refused for another cause.
    #[error("cannot open the journal {}: {reason}", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The cause in SQLite's words.
        reason: String,
    },
    /// The Kafka producer could not be made.
    #[error("cannot make the Kafka producer: {reason}")]
    Kafka {
        /// The cause in librdkafka's words.
        reason: String,
    },
    /// The system gave no thread.
    #[error("cannot start the thread `{name}`: {source}")]
    Thread {
        /// What the thread was for.
        name: &'static str,
        /// The system's cause.
        source: std::io::Error,
    },
}

/// A setting that is wrong by itself or contradicts another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{setting}` is wrong: {reason}")]
pub struct WrongSetting {
    /// Its name, for example `journal.max_bytes` or `kafka.properties.client.rack`.
    pub setting: String,
    /// What is wrong and what would be right; never a property's value, which may be a secret.
    pub reason: String,
}

impl WrongSetting {
    pub(crate) fn new(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { setting: setting.into(), reason: reason.into() }
    }
}
