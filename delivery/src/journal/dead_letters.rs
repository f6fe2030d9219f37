//! The share of the journal that dead letters may take: counted in bytes, and given back by the oldest of them.
//! Writing and reading them is the same as for events.

use rusqlite::Connection;

/// What one row takes in this count.
const BYTES: &str = "length(headers) + length(payload)";

/// Rows that are given up at a time.
const STEP: u64 = 64;

/// Bytes of all dead letters.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let sum = format!("SELECT coalesce(sum({BYTES}), 0) FROM dead_letters");
    connection.query_row(&sum, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// Gives up the oldest until at most `max_bytes` are left of `used_bytes`; tells how many are.
pub(super) fn trim(connection: &Connection, mut used_bytes: u64, max_bytes: u64) -> rusqlite::Result<u64> {
    let delete = format!(
        "DELETE FROM dead_letters WHERE seq IN (SELECT seq FROM dead_letters ORDER BY seq LIMIT {STEP}) RETURNING {BYTES}"
    );
    while used_bytes > max_bytes {
        let mut delete = connection.prepare_cached(&delete)?;
        let gone = delete.query_map([], |row| row.get::<_, i64>(0))?;
        let gone: Vec<i64> = gone.collect::<rusqlite::Result<_>>()?;
        if gone.is_empty() {
            return Ok(0);
        }
        used_bytes = used_bytes.saturating_sub(gone.iter().sum::<i64>().unsigned_abs());
    }
    Ok(used_bytes)
}
