//! How a reader gets past pages that are damaged: row by row, to the next one that can be read.
//! What is not damaged is read in order, by `reader`.

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::reader::{COLUMNS, JournalReader, ReadError, read_row};
use super::row::JournalRow;

/// Rows that one read tries, so that it stays short. A page holds a hundred, one that is an inner node of the tree leads to
/// some thousand.
const TRIED: i64 = 4_096;

/// Whether pages of the file are damaged, and not the way to it.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

impl JournalReader {
    /// The number of the newest row; 0 while there is none. Where its page is damaged, the last that was given out.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn last_seq(&self) -> Result<i64, ReadError> {
        self.last_of("events").map_err(|error| self.failed(&error))
    }

    /// The number of the oldest row; 0 while there is none. Where its page is damaged, the one before a row that can be
    /// read: how many are lost before it, nobody knows.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn first_seq(&self) -> Result<i64, ReadError> {
        let first =
            self.connection.query_row("SELECT min(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0));
        match first {
            Err(error) if is_damage(&error) => {
                // What is before the first row leads to its page too, so that the damage begins at 1.
                let (mut low, mut high) = (1, self.last_seq()?);
                while low < high {
                    let middle = low + (high - low) / 2;
                    match self.try_row("events", middle) {
                        Err(error) if is_damage(&error) => low = middle + 1,
                        Err(error) => return Err(self.failed(&error)),
                        Ok(_) => high = middle,
                    }
                }
                Ok((low - 1).max(1))
            }
            first => first.map(Option::unwrap_or_default).map_err(|error| self.failed(&error)),
        }
    }

    /// The number of the first row that was written at this time (milliseconds since 1970) or later, or one behind the
    /// last where there is none. A few short reads find it, since rows stand in the order in which they were written;
    /// where the clock was put back meanwhile, it is one of the rows around that moment.
    ///
    /// # Errors
    ///
    /// [`ReadError::Journal`] if the file cannot be read.
    pub fn seq_at(&self, appended_at_ms: i64) -> Result<i64, ReadError> {
        let next = "SELECT seq, appended_at_ms FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1";
        let (mut low, mut high) = (self.first_seq()?, self.last_seq()? + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.connection.prepare_cached(next).and_then(|mut select| {
                select
                    .query_row([middle], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
                    .optional()
            });
            match found {
                Ok(Some((seq, at))) if at < appended_at_ms => low = seq.max(middle) + 1,
                Ok(_) => high = middle,
                // Rather too early than too late: nothing that was asked for is left out.
                Err(error) if is_damage(&error) => high = middle,
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(low)
    }

    /// Reading in order could not go on behind `seq`: finds the next row that can be read.
    pub(super) fn pass_over(
        &self,
        table: &str,
        seq: i64,
        met: &ReadError,
    ) -> Result<Vec<JournalRow>, ReadError> {
        let end = self.last_of(table).map_err(|error| self.failed(&error))?;
        let tried = end.min(seq.saturating_add(TRIED));
        let mut damaged: Option<(i64, i64)> = None;
        for number in seq + 1..=tried {
            match self.try_row(table, number) {
                Err(error) if is_damage(&error) => {
                    damaged = Some((damaged.map_or(number, |(first, _)| first), number));
                }
                Err(error) => return Err(self.failed(&error)),
                Ok(Some(row)) if damaged.is_none() => return row.map(|row| vec![row]),
                Ok(Some(_)) => break,
                // A number that is not used, which a whole page says.
                Ok(None) => {}
            }
        }
        if end <= seq {
            return Ok(Vec::new());
        }
        let (first, last) = damaged.unwrap_or((seq + 1, tried));
        let reason = match met {
            ReadError::Journal { reason, .. }
            | ReadError::DamagedRow { reason, .. }
            | ReadError::DamagedPages { reason, .. } => reason.clone(),
        };
        Err(ReadError::DamagedPages { path: self.path.clone(), first, last, reason })
    }

    /// One row by its number.
    fn try_row(&self, table: &str, seq: i64) -> rusqlite::Result<Option<Result<JournalRow, ReadError>>> {
        let select = format!("SELECT {COLUMNS} FROM {table} WHERE seq = ?1");
        let mut select = self.connection.prepare_cached(&select)?;
        let mut found = select.query([seq])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let damaged = |reason| ReadError::DamagedRow { path: self.path.clone(), seq, reason };
        Ok(Some(read_row(seq, row).map_err(damaged)))
    }

    /// Whether this number was ever given to a row: on a damaged page any may stand.
    pub(super) fn is_given(&self, table: &str, seq: i64) -> bool {
        last_given(&self.connection, table).is_ok_and(|last| seq <= last)
    }

    fn last_of(&self, table: &str) -> rusqlite::Result<i64> {
        let max = format!("SELECT max(seq) FROM {table}");
        let last = self.connection.query_row(&max, [], |row| row.get::<_, Option<i64>>(0));
        match last {
            Err(error) if is_damage(&error) => last_given(&self.connection, table),
            last => last.map(Option::unwrap_or_default),
        }
    }
}

fn last_given(connection: &Connection, table: &str) -> rusqlite::Result<i64> {
    let last = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    connection.query_row(last, [table], |row| row.get(0)).optional().map(Option::unwrap_or_default)
}
