//! The open file under the journal's writer: its pragmas, its cap and its probe.
//! It holds no queue and wakes nobody; its write-ahead log is `checkpoint`'s.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::checkpoint::watch_log;
use super::outbox::{self, Left};
use super::passing::is_damage;
use super::schema::{self, open_error};
use super::words::in_words;
use super::{JournalSettings, private};
use crate::error::{DeliveryError, OpenError};

/// How long another process (an operator's `sqlite3`) may hold the write lock before an append gives up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a probe writes: enough that a disk with a last free page does not pass for one with room.
const PROBE_BYTES: u32 = 64 << 10;

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WriteError {
    Full(String),
    Io(String),
    /// Pages of the file are damaged.
    Damaged(String),
}

impl WriteError {
    /// The cause in words, for readiness.
    pub(super) fn reason(&self) -> String {
        DeliveryError::from(self.clone()).to_string()
    }
}

impl From<WriteError> for DeliveryError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(reason) => Self::JournalFull { reason },
            WriteError::Io(reason) | WriteError::Damaged(reason) => Self::JournalIo { reason },
        }
    }
}

#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) page_bytes: u64,
    max_pages: u64,
    pub(super) wal_max_bytes: u64,
    /// Length of the write-ahead log in pages, told by SQLite at each commit. A small record fills little of the
    /// pages that it changes, so its own bytes say nothing about the log.
    pub(super) wal_frames: Arc<AtomicU64>,
    /// What of that was there at the last checkpoint.
    pub(super) folded_frames: u64,
    /// Why the log could not be folded into the file the last time, in words.
    pub(super) fold_failure: Option<String>,
    /// Bytes of headers and payloads of the dead letters, and what they may be.
    pub(super) dead_letter_bytes: u64,
    pub(super) dead_letter_max_bytes: u64,
}

impl Database {
    pub(super) fn open(path: &Path, settings: &JournalSettings) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // SQLite would make the file readable for all; its log and index take the file's own mode.
        if !path.exists() {
            private::open_or_create(path)
                .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        }
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        };
        let mut connection = open().map_err(|error| open_error(path, &error))?;
        // Looked at before the first write: a file that is not ours stays as it was found.
        schema::found_version(&connection, path)?;
        if connection.is_readonly("main").map_err(|error| open_error(path, &error))? {
            let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(OpenError::Io { path: path.to_owned(), source });
        }
        let (page_bytes, max_pages) =
            configure(&connection, settings).map_err(|error| open_error(path, &error))?;
        let wal_frames = watch_log(&mut connection).map_err(|error| open_error(path, &error))?;
        schema::prepare(&mut connection, path)?;
        let dead_letter_bytes =
            super::dead_letters::used_bytes(&connection).map_err(|error| open_error(path, &error))?;
        Ok(Self {
            connection,
            page_bytes,
            max_pages,
            wal_max_bytes: settings.wal_max_bytes,
            wal_frames,
            folded_frames: 0,
            fold_failure: None,
            dead_letter_bytes,
            dead_letter_max_bytes: settings.dead_letter_max_bytes(),
        })
    }

    /// Whether the rows for Kafka can be read at all, and the pages of the events on which something is written: the
    /// oldest and the newest. All pages of a journal of 1 GiB are not read before the server starts.
    pub(super) fn check(self, path: &Path) -> Result<Self, OpenError> {
        let failed = |error: rusqlite::Error| open_error(path, &error);
        self.left().map_err(failed)?;
        for order in ["ASC", "DESC"] {
            let end = format!("SELECT seq FROM events ORDER BY seq {order} LIMIT 1");
            self.connection.query_row(&end, [], |_| Ok(())).optional().map_err(failed)?;
        }
        Ok(self)
    }

    /// Stands in for one that is closed: it has no tables, so that it takes nothing.
    pub(super) fn closed() -> rusqlite::Result<Self> {
        Ok(Self {
            connection: Connection::open_in_memory()?,
            page_bytes: 0,
            max_pages: 0,
            wal_max_bytes: u64::MAX,
            wal_frames: Arc::default(),
            folded_frames: 0,
            fold_failure: None,
            dead_letter_bytes: 0,
            dead_letter_max_bytes: u64::MAX,
        })
    }

    /// How many events there are, told by the numbers of the first and the last.
    pub(super) fn event_rows(&self) -> rusqlite::Result<u64> {
        let sql = "SELECT coalesce((SELECT max(seq) FROM events) - (SELECT min(seq) FROM events) + 1, 0)";
        self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }

    /// What an earlier process left for Kafka.
    pub(super) fn left(&self) -> rusqlite::Result<Left> {
        outbox::left(&self.connection)
    }

    /// Bytes in pages that hold something.
    pub(super) fn used_bytes(&self) -> rusqlite::Result<u64> {
        let read = |pragma| self.connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
        let pages = read("page_count")?.saturating_sub(read("freelist_count")?);
        Ok(u64::from(pages) * self.page_bytes)
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_pages * self.page_bytes
    }

    /// Writes and fsyncs something the size of a small group, and takes it out again.
    pub(super) fn probe(&mut self) -> Result<(), WriteError> {
        self.make_wal_room()?;
        let write = || {
            self.connection.execute("INSERT INTO probe (body) VALUES (zeroblob(?1))", [PROBE_BYTES])?;
            self.connection.execute("DELETE FROM probe", [])
        };
        write().map_err(|error| self.write_error(&error, PROBE_BYTES.into()))?;
        Ok(())
    }

    /// SQLite says "full" both at our cap and on a full disk; which one it was is told by the room left.
    pub(super) fn write_error(&self, error: &rusqlite::Error, wanted_bytes: u64) -> WriteError {
        if is_damage(error) {
            return WriteError::Damaged(in_words(error));
        }
        if error.sqlite_error_code() != Some(ErrorCode::DiskFull) {
            return WriteError::Io(in_words(error));
        }
        let used = match self.used_bytes() {
            Ok(used) => used,
            Err(second) => return WriteError::Io(format!("{error}, then {second}")),
        };
        // Rows fill pages only in part, so more is needed than is written.
        let needed = wanted_bytes + wanted_bytes / 2 + 16 * self.page_bytes;
        if used + needed < self.max_bytes() {
            return WriteError::Io("no space left on the disk of the data directory".to_owned());
        }
        WriteError::Full(format!("it holds {used} of at most {} bytes", self.max_bytes()))
    }
}

/// Sets what the promises rest on; gives the page size in bytes and the cap in pages.
fn configure(connection: &Connection, settings: &JournalSettings) -> rusqlite::Result<(u64, u64)> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!("the journal's file system cannot share memory: SQLite chose `{mode}`, not `wal`");
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS an fsync alone does not reach the disk; elsewhere this changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    // The writer folds the log itself, after its callers have been woken.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    let keep = i64::try_from(settings.wal_max_bytes / 8).unwrap_or(i64::MAX);
    connection.pragma_update_and_check(None, "journal_size_limit", keep, |_| Ok(()))?;
    let page_bytes: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = u32::try_from(settings.max_bytes / u64::from(page_bytes)).unwrap_or(u32::MAX);
    let max_pages: u32 =
        connection.pragma_update_and_check(None, "max_page_count", pages, |row| row.get(0))?;
    Ok((page_bytes.into(), max_pages.into()))
}
