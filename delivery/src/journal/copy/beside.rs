//! What a damaged journal knows beside its records: the offsets that Kafka acknowledged, the numbers that were given out, and
//! what was set aside before.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{Done, LOOK_AHEAD, TABLES, Table, damage, is_refused, used, write};
use crate::journal::outbox;
use crate::journal::passing::is_on_whole_page;

/// Without them, what the topic holds already would be looked for from its beginning.
pub(super) fn copy_offsets(from: &Connection, into: &Connection) -> Done {
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
pub(super) fn copy_numbers(from: &Connection, into: &Connection) -> Done {
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
pub(super) fn copy_damaged(from: &Connection, into: &Connection) -> Done<u64> {
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
