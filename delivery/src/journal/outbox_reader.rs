//! Reads the outbox beside its writer, for the drain: the next rows in order, or one of them.
//! Each read is short; a row that is damaged is named, and those around it can be read.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::journal_path;
use super::outbox::kept_offsets;
use super::reader::{FileId, file_id, read_row};
use super::words::in_words;
use crate::record::{Priority, Record, Stream};

/// The columns of a row, as [`read_outbox_row`] takes them.
pub(super) const OUTBOX_COLUMNS: &str =
    "seq, appended_at_ms, partition_key, headers, payload, checksum, stream, topic";

/// A row on its way to Kafka.
#[derive(Clone, Debug)]
pub(crate) struct OutboxRow {
    pub(crate) seq: i64,
    pub(crate) stream: Stream,
    pub(crate) appended_at_ms: i64,
    pub(crate) record: Record,
}

/// Why no row was read.
#[derive(Debug)]
pub(crate) enum OutboxError {
    /// The first row is damaged; those behind it can be read.
    DamagedRow { seq: i64, reason: String },
    /// Pages of the file are damaged: rows can be read one by one, as far as theirs are not.
    DamagedPage(String),
    /// It may work later.
    Io(String),
}

/// A read-only view of the outbox.
#[derive(Debug)]
pub(crate) struct OutboxReader {
    connection: Connection,
    path: PathBuf,
    /// Which file it was that was opened.
    file: Option<FileId>,
}

impl OutboxReader {
    pub(crate) fn open(data_dir: &Path) -> Result<Self, OutboxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = journal_path(data_dir);
        let file = file_id(&path);
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(1)).map_err(failed)?;
        Ok(Self { connection, path, file })
    }

    /// Whether another file stands in its place: a damaged journal is replaced by what can be read of it.
    pub(crate) fn is_outdated(&self) -> bool {
        let now = file_id(&self.path);
        now.is_some() && now != self.file
    }

    /// The last offset of each partition that Kafka acknowledged, by topic.
    pub(crate) fn kept_offsets(&self) -> Result<BTreeMap<String, BTreeMap<i32, i64>>, OutboxError> {
        kept_offsets(&self.connection).map_err(failed)
    }

    /// The numbers of the first and the last row; `None` while there is none.
    pub(crate) fn ends(&self) -> Result<Option<(i64, i64)>, OutboxError> {
        let sql = "SELECT min(seq), max(seq) FROM outbox";
        let ends =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
        self.connection.query_row(sql, [], ends).map(|(first, last)| first.zip(last)).map_err(failed)
    }

    /// The first rows of this range, at most `limit` and about `max_bytes` of payload.
    pub(crate) fn read(
        &self,
        range: &RangeInclusive<i64>,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<OutboxRow>, OutboxError> {
        let sql =
            format!("SELECT {OUTBOX_COLUMNS} FROM outbox WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut select = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut found = select.query([*range.start(), *range.end(), limit]).map_err(failed)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while bytes < max_bytes
            && let Some(row) = found.next().map_err(failed)?
        {
            let seq = row.get(0).map_err(failed)?;
            // One of the two is wrong, and whoever goes on behind the wrong one would miss rows: they are looked at one
            // by one then.
            if rows.last().is_some_and(|last: &OutboxRow| seq <= last.seq) {
                rows.retain(|row| row.seq < seq);
                if rows.is_empty() {
                    return Err(OutboxError::DamagedPage("numbers of rows are out of order".to_owned()));
                }
                break;
            }
            match read_outbox_row(seq, row) {
                Ok(read) => {
                    bytes += read.record.payload.len();
                    rows.push(read);
                }
                // The good ones before it first.
                Err(_) if !rows.is_empty() => break,
                Err(reason) => return Err(OutboxError::DamagedRow { seq, reason }),
            }
        }
        Ok(rows)
    }
}

/// The checksum leaves stream and topic out.
pub(super) fn read_outbox_row(seq: i64, row: &rusqlite::Row<'_>) -> Result<OutboxRow, String> {
    let read = read_row(seq, row)?;
    let stream = match row.get(6) {
        Ok(0) => Stream::Events,
        Ok(1) => Stream::DeadLetters,
        Ok(other) => return Err(format!("its stream is {other}")),
        Err(error) => return Err(format!("its stream cannot be read: {error}")),
    };
    let topic: Option<String> = row.get(7).map_err(|error| format!("its topic cannot be read: {error}"))?;
    let (key, headers, payload) = (read.key, read.headers.into(), read.payload);
    let record = Record { key, headers, payload, priority: Priority::Normal, topic: topic.map(Arc::from) };
    Ok(OutboxRow { seq, stream, appended_at_ms: read.appended_at_ms, record })
}

fn failed(error: rusqlite::Error) -> OutboxError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OutboxError::DamagedPage(error.to_string())
        }
        _ => OutboxError::Io(in_words(&error)),
    }
}
