//! Copies what can be read of a damaged journal into a new one, row by row where pages are damaged.
//! Which file stands where is `salvage`'s.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params, params_from_iter};

use super::commit::now_ms;
use super::database::BUSY_TIMEOUT;
use super::outbox;
use super::passing::{first_readable, is_on_whole_page};
use super::reader::{COLUMNS, read_row};
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

/// So many numbers behind a damaged page are tried one by one; beyond them the next row is searched for.
const TRIED: i64 = 200_000;

/// How many rows before the first that can be read count as lost: what a page holds. How many there were, nobody knows;
/// their numbers say nothing, since retention deletes at that end.
const ROWS_OF_A_PAGE: i64 = 128;

/// No number that was given out is above it, or there would be none left soon.
const MAX_NUMBER: i64 = 1 << 53;

/// What one transaction takes, so that the log of the copy stays small.
const COMMIT_ROWS: u32 = 2_000;
const COMMIT_BYTES: usize = 4 << 20;

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
        let mut copy = Copy { from: &from, into, table, copied, held: None, last: 0, rows: 0, bytes: 0 };
        copy.all(&select)?;
        copied = copy.copied;
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

/// A row as it was found, before it is known whether the next one's number fits.
struct Found {
    seq: i64,
    values: Vec<Value>,
    /// What does not fit.
    wrong: Option<String>,
}

impl Found {
    fn read(row: &Row<'_>, more: bool) -> rusqlite::Result<Self> {
        let seq = row.get(0)?;
        let count = if more { 8 } else { 6 };
        let values = (0..count).map(|column| row.get(column).unwrap_or(Value::Null)).collect::<Vec<_>>();
        let mut wrong = read_row(seq, row).err();
        if more {
            if !matches!(values[6], Value::Integer(0 | 1)) {
                wrong = wrong.or(Some("its stream is none".to_owned()));
            }
            // A text that is not UTF-8 has become NULL above, which would be another topic.
            if row.get::<_, Option<String>>(7).is_err() {
                wrong = wrong.or(Some("its topic is none".to_owned()));
            }
        }
        Ok(Self { seq, values, wrong })
    }

    fn bytes(&self) -> usize {
        let length = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 8,
        };
        self.values.iter().map(length).sum()
    }
}

struct Copy<'a> {
    from: &'a Connection,
    into: &'a Connection,
    table: &'a Table,
    copied: Copied,
    /// The row that was read last; it is kept once the next one is behind it.
    held: Option<Found>,
    /// The number of the last row that is kept.
    last: i64,
    /// In the transaction that is open.
    rows: u32,
    bytes: usize,
}

impl Copy<'_> {
    fn all(&mut self, select: &str) -> Done {
        let from = self.from;
        let end = self.end()?;
        let mut scan = match from.prepare(&format!("{select} WHERE seq >= ?1 ORDER BY seq")) {
            Ok(scan) => scan,
            Err(error) => return damage(error).map(|_| self.copied.lost += 1),
        };
        let (mut from, mut is_first) = (i64::MIN, true);
        loop {
            // As long as the file can be read in order …
            let reason = self.scan(&mut scan, from, &mut is_first)?;
            self.settle(end)?;
            let Some(reason) = reason else { return Ok(()) };
            let after = from.max(self.last);
            tracing::debug!("the table {} is damaged behind row {after}: {reason}", self.table.name);
            // … and over a damaged page to the next row that can be.
            let end = end.unwrap_or(after.saturating_add(LOOK_AHEAD));
            let next = if is_first { self.first(end)? } else { self.next(after, end)? };
            is_first = false;
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Reads in order from a number on; gives what ended it too early.
    fn scan(
        &mut self,
        scan: &mut rusqlite::Statement<'_>,
        from: i64,
        is_first: &mut bool,
    ) -> Done<Option<String>> {
        let more = !self.table.more.is_empty();
        let mut rows = match scan.query([from]) {
            Ok(rows) => rows,
            Err(error) => return damage(error).map(Some),
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => match Found::read(row, more) {
                    Ok(found) => {
                        *is_first = false;
                        self.met(found)?;
                    }
                    Err(error) => {
                        damage(error)?;
                        self.copied.lost += 1;
                    }
                },
                Ok(None) => return Ok(None),
                Err(error) => return damage(error).map(Some),
            }
        }
    }

    /// Numbers rise: of two that do not, the one is wrong that fits the row before less.
    fn met(&mut self, found: Found) -> Done {
        let Some(held) = self.held.take() else {
            if found.seq <= self.last {
                return self.set_aside(&found, OUT_OF_ORDER);
            }
            self.held = Some(found);
            return Ok(());
        };
        let is_behind = found.seq > held.seq;
        let held_jumped = found.seq > self.last && (found.seq < held.seq || held.seq != self.last + 1);
        if is_behind {
            self.held = Some(found);
            self.keep(&held)
        } else if held_jumped {
            self.held = Some(found);
            self.set_aside(&held, OUT_OF_ORDER)
        } else {
            self.held = Some(held);
            self.set_aside(&found, OUT_OF_ORDER)
        }
    }

    /// No row behind says whether the last one's number is right.
    fn settle(&mut self, end: Option<i64>) -> Done {
        let Some(held) = self.held.take() else { return Ok(()) };
        let is_given = match self.used()? {
            Some(used) if used >= self.last => held.seq <= used,
            // Rows were kept that it does not know of: then it says nothing.
            _ => held.seq - self.last <= LOOK_AHEAD || end == Some(held.seq),
        };
        if is_given { self.keep(&held) } else { self.set_aside(&held, "its number was never given out") }
    }

    /// The last number that was given out, as far as the file says.
    fn used(&self) -> Done<Option<i64>> {
        used(self.from, self.table.name)
    }

    /// Where to stop looking for rows.
    fn end(&self) -> Done<Option<i64>> {
        let max = format!("SELECT max(seq) FROM {}", self.table.name);
        let last = match self.from.query_row(&max, [], |row| row.get::<_, Option<i64>>(0)) {
            Ok(last) => Some(last.unwrap_or_default()),
            Err(error) => damage(error).map(|_| None)?,
        };
        Ok(last.filter(|last| *last < MAX_NUMBER).max(self.used()?))
    }

    fn is_whole(&self, seq: i64) -> Done<bool> {
        match is_on_whole_page(self.from, self.table.name, seq) {
            Ok(()) => Ok(true),
            Err(error) => damage(error).map(|_| false),
        }
    }

    /// The first number that can be read where the first page is damaged.
    fn first(&mut self, end: i64) -> Done<Option<i64>> {
        let first = first_readable(1, end, TRIED, &mut |seq| self.is_whole(seq))?;
        let before = first.map_or(ROWS_OF_A_PAGE.min(end), |first| first - 1);
        self.copied.lost += before.clamp(1, ROWS_OF_A_PAGE).unsigned_abs();
        Ok(first)
    }

    /// The next number behind `after` that can be read.
    fn next(&mut self, after: i64, end: i64) -> Done<Option<i64>> {
        let tried = end.min(after.saturating_add(TRIED));
        for seq in after + 1..=tried {
            if self.is_whole(seq)? {
                return Ok(Some(seq));
            }
            self.copied.lost += 1;
        }
        let next = first_readable(tried + 1, end, TRIED, &mut |seq| self.is_whole(seq))?;
        self.copied.lost += next.map_or(0, |next| next - tried - 1).unsigned_abs();
        Ok(next)
    }

    fn keep(&mut self, found: &Found) -> Done {
        if let Some(reason) = &found.wrong {
            self.last = found.seq;
            return self.set_aside(found, reason);
        }
        let Table { name, more, .. } = self.table;
        let places =
            if more.is_empty() { "?1, ?2, ?3, ?4, ?5, ?6" } else { "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8" };
        let sql = format!("INSERT INTO {name} ({COLUMNS}{more}) VALUES ({places})");
        let inserted = self
            .into
            .prepare_cached(&sql)
            .and_then(|mut insert| insert.execute(params_from_iter(&found.values)));
        match inserted {
            // One wrong value costs its row alone.
            Err(error) if is_refused(&error) => return self.set_aside(found, &error.to_string()),
            inserted => write(inserted)?,
        };
        self.last = found.seq;
        self.copied.kept += 1;
        self.written(found.bytes())
    }

    /// A row that can be read and does not stay under its number is not thrown away.
    fn set_aside(&mut self, found: &Found, reason: &str) -> Done {
        self.copied.lost += 1;
        let sql = "INSERT INTO damaged_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let [_, _, key, headers, payload, ..] = &found.values[..] else { return Ok(()) };
        let row = params![self.table.name, found.seq, now_ms(), reason, key, headers, payload];
        write(self.into.prepare_cached(sql).and_then(|mut insert| insert.execute(row)))?;
        self.written(found.bytes())
    }

    fn written(&mut self, bytes: usize) -> Done {
        (self.rows, self.bytes) = (self.rows + 1, self.bytes + bytes);
        if self.rows >= COMMIT_ROWS || self.bytes >= COMMIT_BYTES {
            (self.rows, self.bytes) = (0, 0);
            commit(self.into)?;
            write(self.into.execute_batch("BEGIN IMMEDIATE"))?;
        }
        Ok(())
    }
}

const OUT_OF_ORDER: &str = "its number is out of order";

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

/// Without them, what the topic holds already would be looked for from its beginning.
fn copy_offsets(from: &Connection, into: &Connection) -> Done {
    let topics = match outbox::kept_offsets(from) {
        Ok(topics) => topics,
        Err(error) => return damage(error).map(drop),
    };
    let mut keep = write(into.prepare("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3)"))?;
    for (topic, offsets) in topics {
        for (partition, offset) in offsets {
            write(keep.execute(params![topic, partition, offset]))?;
        }
    }
    Ok(())
}

/// A number is never used twice, also where the rows that had it cannot be read, or the last number itself.
fn copy_numbers(from: &Connection, into: &Connection) -> Done {
    for Table { name, .. } in TABLES {
        let max = format!("SELECT max(seq) FROM {name}");
        let last = write(into.query_row(&max, [], |row| row.get::<_, Option<i64>>(0)))?.unwrap_or_default();
        let whole = is_on_whole_page(from, "sqlite_sequence", 1).is_ok();
        let used = match used(from, name)? {
            Some(used) if used >= last => used,
            // A table that never had a row.
            None if whole && last == 0 => continue,
            _ => last.saturating_add(LOOK_AHEAD),
        };
        let raised = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if write(into.execute(raised, params![name, used]))? == 0 {
            write(
                into.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![name, used]),
            )?;
        }
    }
    Ok(())
}

/// What was set aside before, as far as it can be read; gives how much could not be.
fn copy_damaged(from: &Connection, into: &Connection) -> Done<u64> {
    let Ok(mut select) = from.prepare("SELECT * FROM damaged_rows") else { return Ok(0) };
    let mut keep = write(into.prepare("INSERT INTO damaged_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?;
    let mut lost = 0;
    let mut rows = match select.query([]) {
        Ok(rows) => rows,
        Err(error) => return damage(error).map(|_| 1),
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let values: Vec<Value> =
                    (0..7).map(|column| row.get(column).unwrap_or(Value::Null)).collect();
                match keep.execute(params_from_iter(values)) {
                    Err(error) if is_refused(&error) => lost += 1,
                    kept => drop(write(kept)?),
                }
            }
            Ok(None) => return Ok(lost),
            Err(error) => return damage(error).map(|_| lost + 1),
        }
    }
}
