//! The outbox: rows on their way to Kafka, which are deleted once it has acknowledged them, and how far that is.
//! Which rows those are is decided in `fallback`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{Connection, Transaction, params};

use crate::fallback::{Known, SeqRanges};
use crate::record::Stream;

pub(super) const INSERT_EVENT: &str =
    "INSERT INTO outbox (stream, appended_at_ms, partition_key, headers, payload, checksum, topic)
     VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6)";

pub(super) const INSERT_DEAD_LETTER: &str =
    "INSERT INTO outbox (stream, appended_at_ms, partition_key, headers, payload, checksum, topic)
     VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)";

/// The names of the topics that records go to which name none themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    pub(crate) events: String,
    pub(crate) dead_letters: String,
}

impl Topics {
    pub(crate) fn of(&self, stream: Stream) -> &str {
        match stream {
            Stream::Events => &self.events,
            Stream::DeadLetters => &self.dead_letters,
        }
    }
}

/// What an earlier process left.
#[derive(Debug)]
pub(crate) struct Left {
    /// The numbers of its rows.
    pub(crate) rows: RangeInclusive<i64>,
    pub(crate) count: u64,
    /// Bytes of their headers and payloads.
    pub(crate) bytes: u64,
}

impl Left {
    /// What is known where no file is open.
    #[allow(clippy::reversed_empty_ranges)]
    pub(super) fn none() -> Self {
        Self { rows: 1..=0, count: 0, bytes: 0 }
    }
}

/// The rows that wait, or an empty range behind the last number that was ever used.
pub(super) fn left(connection: &Connection) -> rusqlite::Result<Left> {
    let sql = "SELECT count(*), min(seq), max(seq),
               coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0),
               coalesce(sum(length(headers) + length(payload)), 0) FROM outbox";
    connection.query_row(sql, [], |row| {
        let used: i64 = row.get(3)?;
        let (first, last) = (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?);
        let rows = first.unwrap_or(used + 1)..=last.unwrap_or(used);
        let (count, bytes) = (row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(4)?.unsigned_abs());
        Ok(Left { rows, count, bytes })
    })
}

pub(super) fn delete(transaction: &Transaction<'_>, rows: &SeqRanges) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM outbox WHERE seq BETWEEN ?1 AND ?2")?;
    for range in rows.iter() {
        delete.execute([range.start(), range.end()])?;
    }
    Ok(())
}

pub(super) fn keep_offsets(
    transaction: &Transaction<'_>,
    offsets: &[Known],
    topics: &Topics,
) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare_cached("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3)")?;
    for Known { stream, topic, position } in offsets {
        let topic = topic.as_deref().unwrap_or(topics.of(*stream));
        keep.execute(params![topic, position.partition, position.offset])?;
    }
    Ok(())
}

/// The last offset of each partition that was acknowledged, by topic.
pub(super) fn kept_offsets(
    connection: &Connection,
) -> rusqlite::Result<BTreeMap<String, BTreeMap<i32, i64>>> {
    let mut select = connection.prepare("SELECT topic, partition, last_offset FROM positions")?;
    let mut found = select.query([])?;
    let mut topics: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
    while let Some(row) = found.next()? {
        topics.entry(row.get(0)?).or_default().insert(row.get(1)?, row.get(2)?);
    }
    Ok(topics)
}
