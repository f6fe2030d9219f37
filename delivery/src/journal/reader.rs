//! Reads the journal while another process or thread writes it.
//! Each read is short and ends before it returns, because a long one would hold back the checkpoint.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::journal_path;
use super::row::{JournalRow, checksum, read_headers};
use super::schema;
use super::words::in_words;
use crate::error::OpenError;

/// One read gives at most this many bytes, whatever its limit, so that a reader's memory is bounded.
const READ_MAX_BYTES: usize = 8 << 20;

/// Why a read gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite could not read the file.
    #[error("cannot read the journal {}: {reason}", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The cause in SQLite's words.
        reason: String,
    },
    /// A row is damaged. The rows after it can be had by reading after `seq`.
    #[error("row {seq} of the journal {} is damaged: {reason}", .path.display())]
    DamagedRow {
        /// The file.
        path: PathBuf,
        /// The row's number.
        seq: i64,
        /// What does not fit.
        reason: String,
    },
}

/// A read-only view of a journal, for following and exporting it.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    path: PathBuf,
    /// The file of an older version has none until that version's successor has opened it.
    has_dead_letters: bool,
}

impl JournalReader {
    /// Opens the journal of this data directory; it must exist, and may be in use.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoJournal`], and what is wrong with the file otherwise.
    pub fn open(data_dir: &Path) -> Result<Self, OpenError> {
        let path = journal_path(data_dir);
        if !path.exists() {
            return Err(OpenError::NoJournal { data_dir: data_dir.to_owned() });
        }
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(Duration::from_secs(1))?;
            Ok(connection)
        };
        let connection = open().map_err(|error| schema::open_error(&path, &error))?;
        let version = schema::found_version(&connection, &path)?;
        if version == 0 {
            return Err(OpenError::NoJournal { data_dir: data_dir.to_owned() });
        }
        Ok(Self { connection, path, has_dead_letters: version > 1 })
    }

    /// The number of the newest row; 0 while there is none.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn last_seq(&self) -> Result<i64, ReadError> {
        self.connection
            .query_row("SELECT max(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0))
            .optional()
            .map(|seq| seq.flatten().unwrap_or(0))
            .map_err(|error| self.failed(&error))
    }

    /// The number of the oldest row; 0 while there is none.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn first_seq(&self) -> Result<i64, ReadError> {
        self.connection
            .query_row("SELECT min(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0))
            .map(Option::unwrap_or_default)
            .map_err(|error| self.failed(&error))
    }

    /// The number of the first row that was written at this time (milliseconds since 1970) or later, or one behind the
    /// last where there is none. A few short reads find it, since rows stand in the order in which they were written;
    /// where the clock was put back meanwhile, it is one of the rows around that moment.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn seq_at(&self, appended_at_ms: i64) -> Result<i64, ReadError> {
        let next = "SELECT seq, appended_at_ms FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1";
        let (mut low, mut high) = (self.first_seq()?, self.last_seq()? + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.connection.prepare_cached(next).and_then(|mut select| {
                select
                    .query_row([middle], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
                    .optional()
            });
            match found.map_err(|error| self.failed(&error))? {
                Some((seq, at)) if at < appended_at_ms => low = seq + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// At most `limit` rows with a number above `seq`, oldest first; fewer where they would pass 8 MiB.
    /// No row means that there is none yet. Start with 0.
    ///
    /// # Errors
    ///
    /// [`ReadError::DamagedRow`] if the first row is damaged (good rows before a damaged one are given first);
    /// go on by reading after its number. [`ReadError::Journal`] if the file cannot be read.
    pub fn read_after(&self, seq: i64, limit: usize) -> Result<Vec<JournalRow>, ReadError> {
        self.read("events", seq, limit)
    }

    /// The same for dead letters, which have numbers of their own.
    ///
    /// # Errors
    ///
    /// As [`Self::read_after`].
    pub fn read_dead_letters_after(&self, seq: i64, limit: usize) -> Result<Vec<JournalRow>, ReadError> {
        if self.has_dead_letters { self.read("dead_letters", seq, limit) } else { Ok(Vec::new()) }
    }

    fn read(&self, table: &str, seq: i64, limit: usize) -> Result<Vec<JournalRow>, ReadError> {
        let select = format!(
            "SELECT seq, appended_at_ms, partition_key, headers, payload, checksum FROM {table} WHERE seq > ?1 \
             ORDER BY seq LIMIT ?2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let failed = |error: rusqlite::Error| self.failed(&error);
        let mut select = self.connection.prepare_cached(&select).map_err(failed)?;
        let mut found = select.query([seq, limit]).map_err(failed)?;
        let mut rows = Vec::new();
        let mut bytes = 0;
        while bytes < READ_MAX_BYTES
            && let Some(row) = found.next().map_err(failed)?
        {
            let seq = row.get(0).map_err(failed)?;
            match read_row(seq, row) {
                Ok(row) => {
                    bytes += row.payload.len();
                    rows.push(row);
                }
                Err(_) if !rows.is_empty() => break,
                Err(reason) => {
                    return Err(ReadError::DamagedRow { path: self.path.clone(), seq, reason });
                }
            }
        }
        Ok(rows)
    }

    fn failed(&self, error: &rusqlite::Error) -> ReadError {
        ReadError::Journal { path: self.path.clone(), reason: in_words(error) }
    }
}

pub(super) fn read_row(seq: i64, row: &Row<'_>) -> Result<JournalRow, String> {
    let columns = || -> rusqlite::Result<_> {
        let key = row.get_ref(2)?.as_blob_or_null()?;
        let headers = row.get_ref(3)?.as_str()?;
        let payload = row.get_ref(4)?.as_blob()?;
        Ok((row.get::<_, i64>(1)?, key, headers, payload, row.get::<_, i64>(5)?))
    };
    let (appended_at_ms, key, headers, payload, stored_sum) = columns().map_err(|error| error.to_string())?;
    let sum = i64::from(checksum(appended_at_ms, key, headers, payload));
    if sum != stored_sum {
        return Err(format!("its checksum is {sum}, {stored_sum} was stored"));
    }
    Ok(JournalRow {
        seq,
        appended_at_ms,
        key: key.map(Bytes::copy_from_slice),
        headers: read_headers(headers).map_err(|error| format!("its headers cannot be read: {error}"))?,
        payload: Bytes::copy_from_slice(payload),
    })
}
