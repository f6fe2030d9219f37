//! Copies what can be read of a damaged journal into a new one, row by row where pages are damaged.
//! Which file stands where is `salvage`'s.

mod beside;
mod rows;

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use self::beside::{copy_damaged, copy_numbers, copy_offsets};
use self::rows::Copy;
use super::database::BUSY_TIMEOUT;
use super::reader::COLUMNS;
use super::words::in_words;

/// A table that holds records, the columns behind those that all of them have, and the schema version that brought it.
struct Table {
    name: &'static str,
    more: &'static str,
    since: i64,
}

const TABLES: [Table; 3] = [
    Table { name: "outbox", more: ", stream, topic", since: 3 },
    Table { name: "events", more: "", since: 1 },
    Table { name: "dead_letters", more: "", since: 2 },
];

/// The schema version whose outbox has topics.
const TOPIC_SINCE: i64 = 4;

/// Without a word of the file itself, rows are looked for so far behind the last that was found.
const LOOK_AHEAD: i64 = 100_000;

/// No number that was given out is above it, or there would be none left soon.
const MAX_NUMBER: i64 = 1 << 53;

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) kept: u64,
    /// Rows that are not under their number any more: at least so many.
    pub(super) lost: u64,
}

/// Why there is no copy; nothing may take the damaged file's place then.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// Not for damage, so that it may work later.
    #[error("it cannot be read now: {0}")]
    Source(String),
    /// The disk has no room, or refuses for another cause.
    #[error("the copy cannot be written: {0}")]
    Copy(String),
}

type Done<T = ()> = Result<T, CopyError>;

/// Copies every row that fits its checksum, under its number. Those that can be read and do not go into `damaged_rows`.
pub(super) fn salvage(path: &Path, into: &Connection) -> Done<Copied> {
    let open = || -> rusqlite::Result<(Connection, i64)> {
        let from = Connection::open(path)?;
        from.busy_timeout(BUSY_TIMEOUT)?;
        // Lets SQLite read a file that is shorter than it says.
        from.pragma_update(None, "writable_schema", true)?;
        let version = from.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((from, version))
    };
    let (from, version) = open().map_err(|error| CopyError::Source(in_words(&error)))?;
    let mut copied = Copied::default();
    let mut tables = 0;
    write(into.execute_batch("BEGIN IMMEDIATE"))?;
    for table in TABLES.iter().filter(|table| table.since <= version) {
        let name = table.name;
        let more =
            if version < TOPIC_SINCE { table.more.replace("topic", "NULL") } else { table.more.into() };
        let select = format!("SELECT {COLUMNS}{more} FROM {name}");
        // A table whose very definition is gone can only be given up.
        if let Err(error) = from.prepare(&select) {
            let reason = damage(error)?;
            tracing::error!("the table {name} of the damaged journal is not found in it any more: {reason}");
            copied.lost += 1;
            continue;
        }
        tables += 1;
        copied = Copy::new(&from, into, table, copied).all(&select)?;
    }
    if tables == 0 {
        return Err(CopyError::Source("none of its tables is found any more".to_owned()));
    }
    copy_offsets(&from, into)?;
    copy_numbers(&from, into)?;
    copied.lost += copy_damaged(&from, into)?;
    commit(into)?;
    Ok(copied)
}

/// The outcome of a write to the copy.
fn write<T>(done: rusqlite::Result<T>) -> Done<T> {
    done.map_err(|error| CopyError::Copy(in_words(&error)))
}

/// Ends the transaction and folds the log into the file.
fn commit(into: &Connection) -> Done {
    write(into.execute_batch("COMMIT"))?;
    let is_busy: bool = write(into.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)))?;
    if is_busy {
        return Err(CopyError::Copy("its log is held back by somebody who reads it".to_owned()));
    }
    Ok(())
}

/// What is damaged in words; an error that says nothing about the file's content is none of that, and ends the copy.
fn damage(error: rusqlite::Error) -> Done<String> {
    let words = in_words(&error);
    match error.sqlite_error_code() {
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::DiskFull,
        ) => Err(CopyError::Source(words)),
        _ => Ok(words),
    }
}

/// Whether the copy refuses this row alone.
fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

fn used(from: &Connection, table: &str) -> Done<Option<i64>> {
    let select = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    match from.query_row(select, [table], |row| row.get::<_, i64>(0)).optional() {
        Ok(used) => Ok(used.filter(|used| (0..MAX_NUMBER).contains(used))),
        Err(error) => damage(error).map(|_| None),
    }
}
