//! Copies what can be read of a damaged journal into a new one, row by row where pages are damaged.
//! Which file stands where is `salvage`'s.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params, params_from_iter};

use super::outbox;
use super::reader::{COLUMNS, read_row};

/// The tables that hold records, and the columns behind those that all of them have.
const TABLES: [(&str, &str); 3] = [("outbox", ", stream, topic"), ("events", ""), ("dead_letters", "")];

/// Without a word of the file itself, rows are looked for so far behind the last that was found.
const LOOK_AHEAD: i64 = 100_000;

/// Copies every row that fits its checksum, under its number. Gives how many did and how many cannot be read.
pub(super) fn salvage(path: &Path, into: &mut Connection) -> rusqlite::Result<(u64, u64)> {
    let from = Connection::open(path)?;
    // Lets SQLite read a file that is shorter than it says.
    from.pragma_update(None, "writable_schema", true)?;
    let (mut kept, mut lost) = (0, 0);
    for (table, more) in TABLES {
        let transaction = into.transaction()?;
        let mut copy = Copy { from: &from, into: &transaction, table, more, kept: 0, lost: 0 };
        // A table that cannot be read at all has nothing to keep.
        if let Err(error) = copy.all() {
            tracing::error!("the table {table} of the damaged journal cannot be read: {error}");
        }
        (kept, lost) = (kept + copy.kept, lost + copy.lost);
        transaction.commit()?;
    }
    copy_offsets(&from, into)?;
    copy_numbers(&from, into)?;
    copy_damaged(&from, into)?;
    Ok((kept, lost))
}

struct Copy<'a> {
    from: &'a Connection,
    into: &'a Transaction<'a>,
    table: &'static str,
    more: &'static str,
    kept: u64,
    lost: u64,
}

impl Copy<'_> {
    fn all(&mut self) -> rusqlite::Result<()> {
        let (table, more) = (self.table, self.more);
        let mut scan =
            self.from.prepare(&format!("SELECT {COLUMNS}{more} FROM {table} WHERE seq > ?1 ORDER BY seq"))?;
        let mut one = self.from.prepare(&format!("SELECT {COLUMNS}{more} FROM {table} WHERE seq = ?1"))?;
        let used: rusqlite::Result<i64> =
            self.from.query_row("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0));
        let mut last = 0;
        loop {
            // As long as the file can be read in order …
            let mut rows = scan.query([last])?;
            let whole = loop {
                match rows.next() {
                    Ok(Some(row)) => last = self.keep(row)?,
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            let end = used.as_ref().map_or(last + LOOK_AHEAD, |used| *used);
            if whole || last >= end {
                return Ok(());
            }
            // … and over a damaged page row by row, up to the next that can be read.
            loop {
                last += 1;
                let mut found = one.query([last])?;
                match found.next() {
                    Ok(Some(row)) => {
                        self.keep(row)?;
                        break;
                    }
                    // A number that is not used, which a whole page says.
                    Ok(None) if last < end => {}
                    Err(_) if last < end => self.lost += 1,
                    Ok(None) => return Ok(()),
                    Err(_) => {
                        self.lost += 1;
                        return Ok(());
                    }
                }
            }
        }
    }

    fn keep(&mut self, row: &Row<'_>) -> rusqlite::Result<i64> {
        let seq: i64 = row.get(0)?;
        if read_row(seq, row).is_err() {
            self.lost += 1;
            return Ok(seq);
        }
        let count = if self.more.is_empty() { 6 } else { 8 };
        let values: Vec<Value> = (0..count).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        let places =
            if self.more.is_empty() { "?1, ?2, ?3, ?4, ?5, ?6" } else { "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8" };
        let sql = format!("INSERT INTO {} ({COLUMNS}{}) VALUES ({places})", self.table, self.more);
        self.into.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        self.kept += 1;
        Ok(seq)
    }
}

/// Without them, what the topic holds already would be looked for from its beginning.
fn copy_offsets(from: &Connection, into: &Connection) -> rusqlite::Result<()> {
    let Ok(topics) = outbox::kept_offsets(from) else { return Ok(()) };
    let mut keep = into.prepare("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3)")?;
    for (topic, offsets) in topics {
        for (partition, offset) in offsets {
            keep.execute(params![topic, partition, offset])?;
        }
    }
    Ok(())
}

/// A number is never used twice, also where the rows that had it cannot be read.
fn copy_numbers(from: &Connection, into: &Connection) -> rusqlite::Result<()> {
    for (table, _) in TABLES {
        let used = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        let Ok(used) = from.query_row(used, [table], |row| row.get::<_, i64>(0)) else { continue };
        let raised = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if into.execute(raised, params![table, used])? == 0 {
            into.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, used])?;
        }
    }
    Ok(())
}

/// What was set aside before, as far as it can be read.
fn copy_damaged(from: &Connection, into: &Connection) -> rusqlite::Result<()> {
    let Ok(mut select) = from.prepare("SELECT * FROM damaged_rows") else { return Ok(()) };
    let mut keep = into.prepare("INSERT INTO damaged_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut rows = select.query([])?;
    while let Ok(Some(row)) = rows.next() {
        let values: rusqlite::Result<Vec<Value>> = (0..7).map(|column| row.get(column)).collect();
        keep.execute(params_from_iter(values?))?;
    }
    Ok(())
}
