//! The table of rows that did not fit their checksum: each is moved there as it was found.
//! Pages that cannot be read at all have nothing to move; their rows are counted alone.

use rusqlite::{Transaction, params};

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

/// Moves a row that does not fit its checksum out of the way, as it is.
pub(super) fn set_aside(
    transaction: &Transaction<'_>,
    table: Table,
    seq: i64,
    reason: &str,
    found_at_ms: i64,
) -> rusqlite::Result<()> {
    let name = table.name();
    let copy = format!(
        "INSERT INTO damaged_rows SELECT '{name}', seq, ?2, ?3, partition_key, headers, payload FROM {name} WHERE seq = ?1"
    );
    transaction.execute(&copy, params![seq, found_at_ms, reason])?;
    transaction.execute(&format!("DELETE FROM {name} WHERE seq = ?1"), [seq])?;
    Ok(())
}
