//! One group of batches into one transaction: one fsync, however many wait for it.
//! Who is woken afterwards is the writer's business.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::damaged;
use super::database::{Database, WriteError};
use super::dead_letters::trim;
use super::job::Job;
use super::outbox::{self, Topics};
use super::row::{checksum, write_headers};
use crate::clock::now_ms;
use crate::dead_letter::dead_letter;
use crate::fallback::{CommitPlan, SetAside};
use crate::record::{Batch, Record, Stream};

/// The rows of a job; the range is empty where it has none.
pub(super) type Rows = RangeInclusive<i64>;

impl Database {
    /// Makes every job of the group durable, and what the plan adds, or nothing. Gives the rows of each job.
    pub(super) fn commit(
        &mut self,
        group: &[Job],
        plan: &CommitPlan,
        topics: &Topics,
    ) -> Result<Vec<Rows>, WriteError> {
        self.make_wal_room()?;
        let bytes = group.iter().map(|job| job.size_bytes() as u64).sum();
        let result = self.commit_in_transaction(group, plan, topics);
        result.map_err(|error| self.write_error(&error, bytes))
    }

    fn commit_in_transaction(
        &mut self,
        group: &[Job],
        plan: &CommitPlan,
        topics: &Topics,
    ) -> rusqlite::Result<Vec<Rows>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = Insert {
            transaction: &transaction,
            appended_at_ms: now_ms(),
            headers: Vec::new(),
            dead_letter_bytes: self.dead_letter_bytes,
        };
        let mut copies = plan.copies.iter();
        let mut rows = Vec::with_capacity(group.len());
        for job in group {
            rows.push(match job {
                Job::Store { batch, .. } => insert.stored(batch)?,
                Job::Outbox { batch, .. } => insert.outbox(batch.stream(), batch.records().iter())?,
                Job::Copy(copy) => {
                    let open = copies.next().map(Vec::as_slice).unwrap_or_default();
                    let records = copy.batch.records();
                    insert.outbox(copy.batch.stream(), open.iter().map(|index| &records[*index]))?
                }
                // A letter that is refused itself stays here.
                Job::SetAside(letter) if letter.stream == Stream::DeadLetters => {
                    insert.kept_letter(&letter.record)?;
                    NO_ROWS
                }
                Job::SetAside(SetAside { record, failure, .. }) => {
                    let letter = dead_letter(record, failure);
                    insert.outbox(Stream::DeadLetters, std::iter::once(&letter))?
                }
                Job::SetAsideDamaged { table, seq, reason } => {
                    let is_moved =
                        damaged::set_aside(&transaction, *table, *seq, reason, insert.appended_at_ms)?;
                    if is_moved { *seq..=*seq } else { NO_ROWS }
                }
                Job::KeepOffsets(_) => NO_ROWS,
            });
        }
        let mut dead_letter_bytes = insert.dead_letter_bytes;
        outbox::delete(&transaction, &plan.delete)?;
        outbox::keep_offsets(&transaction, &plan.offsets, topics)?;
        if dead_letter_bytes > self.dead_letter_max_bytes {
            dead_letter_bytes = trim(&transaction, dead_letter_bytes, self.dead_letter_max_bytes)?;
        }
        transaction.commit()?;
        self.dead_letter_bytes = dead_letter_bytes;
        Ok(rows)
    }
}

#[allow(clippy::reversed_empty_ranges)]
const NO_ROWS: Rows = 1..=0;

/// The columns that every table has.
type Row<'r> = (i64, Option<&'r [u8]>, &'r str, &'r [u8], u32);

/// Writes records within one transaction.
struct Insert<'a> {
    transaction: &'a Transaction<'a>,
    appended_at_ms: i64,
    /// One buffer for the headers of every row.
    headers: Vec<u8>,
    dead_letter_bytes: u64,
}

impl Insert<'_> {
    /// Into the tables of a journal that is the store.
    fn stored(&mut self, batch: &Batch) -> rusqlite::Result<Rows> {
        for record in batch.records() {
            match batch.stream() {
                Stream::Events => {
                    self.insert("INSERT INTO events (appended_at_ms, partition_key, headers, payload, checksum) VALUES (?1, ?2, ?3, ?4, ?5)", record)?;
                }
                Stream::DeadLetters => self.kept_letter(record)?,
            }
        }
        Ok(NO_ROWS)
    }

    /// Into the table of dead letters that stay here.
    fn kept_letter(&mut self, record: &Record) -> rusqlite::Result<()> {
        let characters = self.insert("INSERT INTO dead_letters (appended_at_ms, partition_key, headers, payload, checksum) VALUES (?1, ?2, ?3, ?4, ?5)", record)?;
        self.dead_letter_bytes += (characters + record.payload.len()) as u64;
        Ok(())
    }

    /// Into the outbox; one writer and no deletion in between make the rows' numbers follow each other.
    fn outbox<'r>(
        &mut self,
        stream: Stream,
        records: impl Iterator<Item = &'r Record>,
    ) -> rusqlite::Result<Rows> {
        let statement = match stream {
            Stream::Events => outbox::INSERT_EVENT,
            Stream::DeadLetters => outbox::INSERT_DEAD_LETTER,
        };
        let mut written = NO_ROWS;
        for record in records {
            let transaction = self.transaction;
            let (row, _) = self.row(record)?;
            let topic = record.topic.as_deref();
            let mut insert = transaction.prepare_cached(statement)?;
            insert.execute(params![row.0, row.1, row.2, row.3, row.4, topic])?;
            let seq = Connection::last_insert_rowid(self.transaction);
            written = if written.is_empty() { seq..=seq } else { *written.start()..=seq };
        }
        Ok(written)
    }

    /// Gives the length of the headers in characters.
    fn insert(&mut self, statement: &str, record: &Record) -> rusqlite::Result<usize> {
        let transaction = self.transaction;
        let (row, characters) = self.row(record)?;
        transaction.prepare_cached(statement)?.execute(row)?;
        Ok(characters)
    }

    /// What every table has of a record: time, key, headers, payload, checksum.
    fn row<'r>(&'r mut self, record: &'r Record) -> rusqlite::Result<(Row<'r>, usize)> {
        write_headers(&mut self.headers, &record.headers)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let headers = str::from_utf8(&self.headers)?;
        let key = record.key.as_deref();
        let sum = checksum(self.appended_at_ms, key, headers, &record.payload);
        let row = (self.appended_at_ms, key, headers, record.payload.as_ref(), sum);
        Ok((row, headers.chars().count()))
    }
}
