//! Reads the journal while another process or thread writes it.
//! Each read is short and ends before it returns, because a long one would hold back the checkpoint; how it gets past
//! pages that are damaged stands in `passing`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, Row};

use super::journal_path;
use super::passing::{ROWS_OF_A_PAGE, is_damage};
use super::row::{JournalRow, checksum, read_headers};
use super::schema;
use super::words::in_words;
use crate::error::OpenError;

/// One read gives at most this many bytes, whatever its limit, so that a reader's memory is bounded.
const READ_MAX_BYTES: usize = 8 << 20;

/// The columns of a record, as [`read_row`] takes them.
pub(super) const COLUMNS: &str = "seq, appended_at_ms, partition_key, headers, payload, checksum";

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
    /// Pages of the file are damaged, and the rows on them cannot be read. Those behind can be had by reading after
    /// `last`.
    #[error("rows {first} to {last} of the journal {} cannot be read, their pages are damaged: {reason}", .path.display())]
    DamagedPages {
        /// The file.
        path: PathBuf,
        /// The first row that cannot be read.
        first: i64,
        /// The last of them, as far as was looked.
        last: i64,
        /// The cause in SQLite's words.
        reason: String,
    },
}

impl ReadError {
    /// The number to go on after and how many rows that passes over, where the file can be read beyond the damage.
    pub fn passes_over(&self) -> Option<(i64, u64)> {
        match self {
            Self::Journal { .. } => None,
            Self::DamagedRow { seq, .. } => Some((*seq, 1)),
            Self::DamagedPages { first, last, .. } => Some((*last, (last - first + 1).max(0).unsigned_abs())),
        }
    }
}

/// A read-only view of a journal, for following and exporting it.
#[derive(Debug)]
pub struct JournalReader {
    pub(super) connection: Connection,
    data_dir: PathBuf,
    pub(super) path: PathBuf,
    /// Which file it was that was opened.
    file: Option<FileId>,
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
        let file = file_id(&path);
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
        Ok(Self { connection, data_dir: data_dir.to_owned(), path, file, has_dead_letters: version > 1 })
    }

    /// Opens the file anew where another stands in its place: a damaged journal is replaced by what can be read of it,
    /// under the same numbers. Call it now and then while following one.
    pub fn follow(&mut self) {
        let now = file_id(&self.path);
        if now.is_some()
            && now != self.file
            && let Ok(anew) = Self::open(&self.data_dir)
        {
            *self = anew;
        }
    }

    /// At most `limit` rows with a number above `seq`, oldest first; fewer where they would pass 8 MiB.
    /// No row means that there is none yet. Start with 0.
    ///
    /// # Errors
    ///
    /// [`ReadError::DamagedRow`] if the first row is damaged (good rows before a damaged one are given first);
    /// go on by reading after its number. [`ReadError::DamagedPages`] the same for rows whose pages are damaged.
    /// [`ReadError::Journal`] if the file cannot be read.
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
        // With the row that was given last, so that one whose number is wrong is met between it and the next.
        let select = format!("SELECT {COLUMNS} FROM {table} WHERE seq >= ?1 ORDER BY seq");
        let failed = |error: rusqlite::Error| self.failed(&error);
        // What is asked about the numbers below belongs to the same state of the file.
        let _snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let mut select = self.connection.prepare_cached(&select).map_err(failed)?;
        let mut found = select.query([seq]).map_err(failed)?;
        let mut rows = InOrder::after(seq);
        let mut is_first = true;
        // Why reading in order came to its end too early; the good rows before that are given first.
        let mut met: Option<ReadError> = None;
        loop {
            let row = match found.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) if is_damage(&error) => {
                    met = Some(failed(error));
                    break;
                }
                Err(error) => return Err(failed(error)),
            };
            let number = row.get(0).map_err(failed)?;
            // SQLite halves a page to find where to begin, and a wrong number there leads it too far.
            if std::mem::take(&mut is_first)
                && seq > 0
                && number > seq + 1
                && self.is_odd_between(table, seq, number)
            {
                drop(found);
                found = select.query([seq - ROWS_OF_A_PAGE]).map_err(failed)?;
                continue;
            }
            if number == seq || !rows.takes(number) {
                continue;
            }
            // Only now is it known that the number of the last one can be right.
            if rows.rows.len() >= limit || rows.bytes >= READ_MAX_BYTES {
                break;
            }
            // Between rows whose numbers are wrong, others are missing.
            if let Some((first, last)) = rows.missing_before(number) {
                let reason = "numbers of rows are out of order".to_owned();
                met = Some(ReadError::DamagedPages { path: self.path.clone(), first, last, reason });
                break;
            }
            match read_row(number, row) {
                Ok(row) => rows.push(row),
                Err(reason) => {
                    met = Some(ReadError::DamagedRow { path: self.path.clone(), seq: number, reason });
                    break;
                }
            }
        }
        drop(found);
        if matches!(met, Some(ReadError::Journal { .. })) {
            rows.drop_last_unless(|row| {
                let same = self.try_row(table, row.seq);
                same.is_ok_and(|same| same.is_some_and(|same| same.is_ok_and(|same| same == *row)))
            });
        }
        let InOrder { mut rows, is_odd, .. } = rows;
        // A number that was never given out would have whoever goes on after it miss everything.
        let never_given = rows.pop_if(|last| !self.is_given(table, last.seq));
        match met {
            None if rows.is_empty() && (is_odd || never_given.is_some()) => {
                self.at_odd_end(table, seq, never_given)
            }
            None => Ok(rows),
            Some(_) if !rows.is_empty() => Ok(rows),
            Some(damaged @ ReadError::DamagedRow { seq: number, .. })
                if number > seq && self.is_given(table, number) =>
            {
                Err(damaged)
            }
            Some(missing @ ReadError::DamagedPages { .. }) => Err(missing),
            Some(met) => self.pass_over(table, seq, &met),
        }
    }

    /// The error of a file that cannot be read.
    pub(super) fn failed(&self, error: &rusqlite::Error) -> ReadError {
        ReadError::Journal { path: self.path.clone(), reason: in_words(error) }
    }
}

/// Rows as they stand in the file, whose numbers rise; the checksum leaves the number out.
struct InOrder {
    after: i64,
    rows: Vec<JournalRow>,
    bytes: usize,
    /// A wrong number was met since the last row.
    is_odd: bool,
}

impl InOrder {
    fn after(seq: i64) -> Self {
        Self { after: seq, rows: Vec::new(), bytes: 0, is_odd: false }
    }

    fn last(&self) -> i64 {
        self.rows.last().map_or(self.after, |row| row.seq)
    }

    /// Whether the row of this number is the next. Of two whose numbers do not rise, the one is wrong that fits the row
    /// before less; it is never a later row that pays for an earlier one.
    fn takes(&mut self, number: i64) -> bool {
        let last = self.last();
        if number > last {
            return true;
        }
        self.is_odd = true;
        let before = self.rows.len().checked_sub(2).map_or(self.after, |index| self.rows[index].seq);
        let last_jumped = number > before && (number < last || last != before + 1);
        if !last_jumped {
            return false;
        }
        let Some(jumped) = self.rows.pop() else { return false };
        self.bytes -= jumped.payload.len();
        true
    }

    /// The numbers that are missing before this one, where a wrong number was met among them.
    fn missing_before(&mut self, number: i64) -> Option<(i64, i64)> {
        let first = self.last() + 1;
        self.is_odd &= first < number;
        self.is_odd.then_some((first, number - 1))
    }

    /// No row behind the last one says whether its number is right: where it does not follow the one before, it must be found
    /// under that number.
    fn drop_last_unless(&mut self, is_found: impl Fn(&JournalRow) -> bool) {
        let before = self.rows.len().checked_sub(2).map_or(self.after, |index| self.rows[index].seq);
        drop(self.rows.pop_if(|last| last.seq != before + 1 && !is_found(last)));
    }

    fn push(&mut self, row: JournalRow) {
        self.bytes += row.payload.len();
        self.rows.push(row);
    }
}

/// Tells a file from another that stands in its place.
pub(super) type FileId = (u64, u64);

#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub(super) fn file_id(_: &Path) -> Option<FileId> {
    None
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
