//! The journal: an SQLite file on this machine's disk in which acknowledged records are safe.
//! When records go here and not to Kafka is decided elsewhere; what they mean too.
//!
//! The file is `journal.sqlite` in the data directory, in WAL mode, fsynced at each commit. One process writes
//! it (`journal.lock`); anyone may read it in short reads, with [`JournalReader`] or with `sqlite3`:
//!
//! ```sql
//! SELECT seq, appended_at, partition_key, headers ->> 'ce_id' AS id, payload FROM readable_events LIMIT 10;
//! ```
//!
//! Dead letters stand in a table of their own, `dead_letters`, of the same form. They take at most a sixteenth of the
//! journal's bound; beyond it the oldest of them go.
//!
//! | column of `events` | type | meaning |
//! |---|---|---|
//! | `seq` | INTEGER | rises with each record, never used twice |
//! | `appended_at_ms` | INTEGER | milliseconds since 1970, UTC |
//! | `partition_key` | BLOB or NULL | the record's key |
//! | `headers` | TEXT | a JSON object in header order; a value that is not UTF-8 is an array of its bytes |
//! | `payload` | BLOB | the record's value |
//! | `checksum` | INTEGER | CRC-32 (IEEE) over the other columns but `seq`; `journal/row.rs` says in which form |
//!
//! Where Kafka is set, records stand here only while it is away, in the table `outbox` (the same columns, and `stream`: 0 for
//! events, 1 for dead letters, and `topic` where an event goes to another one than the rest; the view is `readable_outbox`); each row is deleted once Kafka has acknowledged it.
//! `positions` holds the last offset that was acknowledged in each partition, `damaged_rows` what did not fit its
//! checksum.
//!
//! Events that stay here go by age and by bytes, the oldest first ([`JournalSettings`]); rows of the outbox never do.
//!
//! Space comes back when rows are deleted: their pages are used again, while the file keeps its size, which
//! the cap bounds. The write-ahead log (`journal.sqlite-wal`) stands beside it and has a bound of its own.

mod checkpoint;
mod commit;
mod copy;
mod damaged;
mod database;
mod dead_letters;
mod job;
mod lock;
mod outbox;
mod outbox_reader;
mod passing;
mod private;
mod queue;
mod reader;
mod repair;
mod retention;
mod row;
mod salvage;
mod schema;
mod scrub;
mod sink;
mod words;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{OpenError, WrongSetting};

pub(crate) use damaged::Table;
pub(crate) use job::Job;
pub(crate) use lock::WriterLock;
pub(crate) use outbox::Topics;
pub(crate) use outbox_reader::{OutboxError, OutboxReader, OutboxRow};
pub(crate) use queue::Queue;
pub use reader::{JournalReader, ReadError};
pub use row::JournalRow;
pub(crate) use sink::{JournalSink, OpenJournal};

/// The journal's file in the data directory.
pub const JOURNAL_FILE: &str = "journal.sqlite";

/// Bounds of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// The most bytes that the journal's file may take, write-ahead log not counted. Default 1 GiB.
    pub max_bytes: u64,
    /// The most bytes that the write-ahead log may take: it is folded into the file at a sixteenth of this, and
    /// only a long read by someone else can hold that up. Beyond it appends are refused. Default 256 MiB.
    pub wal_max_bytes: u64,
    /// The share of `max_bytes`, in percent, that is kept for batches with key events and for what Kafka was to get when
    /// it went away. Default 10; it counts only where Kafka is set.
    pub reserve_percent: u8,
    /// How long events are kept where the journal is the store; `None` is for ever. Default 7 days. Those that a journal
    /// has from before Kafka was set go by it too.
    pub retention_age: Option<Duration>,
    /// How many bytes the journal may take before its oldest events go; nine tenths of `max_bytes` are the most, and the
    /// default. With `None` none goes for room, and a full journal refuses. It counts only where Kafka is not set.
    pub retention_bytes: Option<u64>,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            wal_max_bytes: 256 << 20,
            reserve_percent: 10,
            retention_age: Some(Duration::from_secs(7 * 24 * 60 * 60)),
            retention_bytes: Some(u64::MAX),
        }
    }
}

impl JournalSettings {
    /// The smallest `max_bytes` and `wal_max_bytes` that are taken: 1 MiB.
    pub const MIN_BYTES: u64 = 1 << 20;

    /// The most bytes of dead letters that are kept; the oldest go first.
    pub fn dead_letter_max_bytes(&self) -> u64 {
        self.max_bytes / 16
    }

    pub(crate) fn check(&self, wrong: &mut Vec<WrongSetting>) {
        for (name, value) in
            [("journal.max_bytes", self.max_bytes), ("journal.wal_max_bytes", self.wal_max_bytes)]
        {
            if value < Self::MIN_BYTES {
                let reason = format!("{value} bytes is too small, at least {} are needed", Self::MIN_BYTES);
                wrong.push(WrongSetting::new(name, reason));
            }
        }
        let least = Self::MIN_BYTES / 2;
        if let Some(bytes) = self.retention_bytes.filter(|bytes| *bytes < least) {
            let reason = format!("{bytes} bytes is too small, at least {least} are needed");
            wrong.push(WrongSetting::new("journal.retention_bytes", reason));
        }
        if let Some(age) = self.retention_age.filter(|age| *age < Duration::from_secs(1)) {
            wrong.push(WrongSetting::new("journal.retention_age", format!("{age:?} is shorter than 1 s")));
        }
        if self.reserve_percent > 90 {
            let reason = format!("{} is not between 0% and 90%", self.reserve_percent);
            wrong.push(WrongSetting::new("journal.reserve", reason));
        }
    }
}

fn journal_path(data_dir: &Path) -> PathBuf {
    data_dir.join(JOURNAL_FILE)
}

/// Takes a data directory for this process, which makes it where it is missing; what is kept beside a journal needs that too.
pub(crate) fn take_directory(data_dir: &Path) -> Result<WriterLock, OpenError> {
    private::create_directory(data_dir)
        .map_err(|source| OpenError::Io { path: data_dir.to_owned(), source })?;
    WriterLock::take(data_dir)
}
