//! One group of batches into one transaction: one fsync, however many wait for it.
//! Who is woken afterwards is the writer's business.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{TransactionBehavior, params};

use super::database::{Database, WriteError};
use super::dead_letters::trim;
use super::queue::Waiting;
use super::row::{checksum, write_headers};
use crate::record::Stream;

const COLUMNS: &str =
    "(appended_at_ms, partition_key, headers, payload, checksum) VALUES (?1, ?2, ?3, ?4, ?5)";

impl Database {
    /// Makes every record of the group durable, or none.
    pub(super) fn append(&mut self, group: &[Waiting]) -> Result<(), WriteError> {
        self.make_wal_room()?;
        let bytes = group.iter().map(|waiting| waiting.batch.size_bytes() as u64).sum();
        let result = self.append_in_transaction(group);
        result.map_err(|error| self.write_error(&error, bytes))
    }

    fn append_in_transaction(&mut self, group: &[Waiting]) -> rusqlite::Result<()> {
        let appended_at_ms = now_ms();
        let mut dead_letter_bytes = self.dead_letter_bytes;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut text = Vec::new();
            for waiting in group {
                let dead = waiting.batch.stream() == Stream::DeadLetters;
                let table = if dead { "dead_letters" } else { "events" };
                let mut insert = transaction.prepare_cached(&format!("INSERT INTO {table} {COLUMNS}"))?;
                for record in waiting.batch.records() {
                    write_headers(&mut text, &record.headers)
                        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                    let headers = str::from_utf8(&text)?;
                    let key = record.key.as_deref();
                    let sum = checksum(appended_at_ms, key, headers, &record.payload);
                    insert.execute(params![appended_at_ms, key, headers, record.payload.as_ref(), sum])?;
                    if dead {
                        dead_letter_bytes += (headers.chars().count() + record.payload.len()) as u64;
                    }
                }
            }
            if dead_letter_bytes > self.dead_letter_max_bytes {
                dead_letter_bytes = trim(&transaction, dead_letter_bytes, self.dead_letter_max_bytes)?;
            }
        }
        transaction.commit()?;
        self.dead_letter_bytes = dead_letter_bytes;
        Ok(())
    }
}

/// Milliseconds since 1970; a clock before that counts as 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
