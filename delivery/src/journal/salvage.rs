//! A journal whose file is damaged is moved aside whole, and what can be read of it goes into a new one.
//! So a damaged disk costs the rows that it damaged, and never keeps the server from starting.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params_from_iter};

use super::database::Database;
use super::reader::read_row;
use super::{JournalSettings, outbox};
use crate::error::OpenError;

/// The tables that hold records, and the columns behind those that all of them have.
const TABLES: [(&str, &str); 3] = [("outbox", ", stream, topic"), ("events", ""), ("dead_letters", "")];

const COLUMNS: &str = "seq, appended_at_ms, partition_key, headers, payload, checksum";

/// Without a word of the file itself, rows are looked for so far behind the last that was found.
const LOOK_AHEAD: i64 = 100_000;

/// What became of a damaged journal.
#[derive(Debug)]
pub(super) struct Salvaged {
    pub(super) database: Database,
    /// Rows that could not be read.
    pub(super) lost: u64,
}

/// Opens the journal; a damaged one is replaced by what can be read of it.
pub(super) fn open(path: &Path, settings: &JournalSettings) -> Result<Salvaged, OpenError> {
    let reason = match Database::open(path, settings).and_then(|database| database.check(path)) {
        Ok(database) => return Ok(Salvaged { database, lost: 0 }),
        Err(OpenError::DamagedJournal { reason, .. }) => reason,
        Err(other) => return Err(other),
    };
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let aside = move_aside(path).map_err(io)?;
    let mut database = Database::open(path, settings)?;
    let found = salvage(&aside, &mut database.connection);
    let (kept, lost) = found.unwrap_or_else(|error| {
        tracing::error!("nothing of the damaged journal can be read: {error}");
        (0, 0)
    });
    tracing::error!(
        kept,
        lost,
        "the journal is damaged ({reason}): it stands in {} now, and what could be read of it goes on",
        aside.display()
    );
    Ok(Salvaged { database, lost })
}

/// Renames the file with its log, so that nothing of it is lost to whoever looks closer.
fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let aside = path.with_file_name(format!("journal.damaged-{now}.sqlite"));
    for end in ["-wal", "-shm", ""] {
        let with_end = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        match std::fs::rename(with_end(path), with_end(&aside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// Copies every row that fits its checksum, under its number. Gives how many did and how many cannot be read.
fn salvage(aside: &Path, into: &mut Connection) -> rusqlite::Result<(u64, u64)> {
    let from = Connection::open(aside)?;
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
            keep.execute(rusqlite::params![topic, partition, offset])?;
        }
    }
    Ok(())
}
