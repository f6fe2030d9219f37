//! The table of rows that did not fit their checksum: each is moved there as it was found.
//! Pages that cannot be read at all have nothing to move; their rows are counted alone.

use rusqlite::{OptionalExtension, Transaction, params};

use super::outbox_reader::{OUTBOX_COLUMNS, read_outbox_row};
use super::reader::{COLUMNS, read_row};

/// The tables in which a damaged row may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Outbox,
    Events,
    DeadLetters,
}

impl Table {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Events => "events",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// Moves a row that does not fit its checksum out of the way, as it is. Who found it may have read from a page that was
/// damaged in his memory alone, or under a number that is another row's: a row that is whole stays. Says whether it was moved.
pub(super) fn set_aside(
    transaction: &Transaction<'_>,
    table: Table,
    seq: i64,
    reason: &str,
    found_at_ms: i64,
) -> rusqlite::Result<bool> {
    let name = table.name();
    let read = match table {
        Table::Outbox => {
            let select = format!("SELECT {OUTBOX_COLUMNS} FROM outbox WHERE seq = ?1");
            transaction.query_row(&select, [seq], |row| Ok(read_outbox_row(seq, row).err()))
        }
        Table::Events | Table::DeadLetters => {
            let select = format!("SELECT {COLUMNS} FROM {name} WHERE seq = ?1");
            transaction.query_row(&select, [seq], |row| Ok(read_row(seq, row).err()))
        }
    };
    if matches!(read.optional()?, Some(None)) {
        tracing::warn!(
            table = name,
            row = seq,
            "a row that was found damaged ({reason}) is whole, and stays"
        );
        return Ok(false);
    }
    let copy = format!(
        "INSERT INTO damaged_rows SELECT '{name}', seq, ?2, ?3, partition_key, headers, payload FROM {name} WHERE seq = ?1"
    );
    transaction.execute(&copy, params![seq, found_at_ms, reason])?;
    transaction.execute(&format!("DELETE FROM {name} WHERE seq = ?1"), [seq])?;
    Ok(true)
}
