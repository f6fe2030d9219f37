//! How a reader gets past pages that are damaged: row by row, to the next one that can be read.
//! What is not damaged is read in order, by `reader`.

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::reader::{COLUMNS, JournalReader, ReadError, read_row};
use super::row::JournalRow;

/// Rows that one read tries, so that it stays short. A page holds a hundred, one that is an inner node of the tree leads to
/// some thousand.
const TRIED: i64 = 4_096;

/// More than a page holds.
pub(super) const ROWS_OF_A_PAGE: i64 = 256;

/// Whether pages of the file are damaged, and not the way to it.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Fails where the page on which this row stands, or would, cannot be read.
pub(super) fn is_on_whole_page(connection: &Connection, table: &str, seq: i64) -> rusqlite::Result<()> {
    let select = format!("SELECT 1 FROM {table} WHERE rowid = ?1");
    connection.prepare_cached(&select)?.query_row([seq], |_| Ok(())).optional().map(drop)
}

/// The first number of `low..=high` that can be read, where that of `low` cannot and what can be is unknown. The search
/// halves the range, so it ends at a row that stands behind a damaged page; whether others can be read before that page
/// too, it looks in steps that double, and one by one for the next `tried`.
pub(super) fn first_readable<E>(
    low: i64,
    high: i64,
    tried: i64,
    can_be_read: &mut impl FnMut(i64) -> Result<bool, E>,
) -> Result<Option<i64>, E> {
    let (mut found, mut high) = (None, high);
    while low <= high {
        let (mut first, mut end) = (low, high);
        while first < end {
            let middle = first + (end - first) / 2;
            if can_be_read(middle)? {
                end = middle;
            } else {
                first = middle + 1;
            }
        }
        if can_be_read(first)? {
            found = Some(first);
        }
        let doubling = || std::iter::successors(Some(1_i64), |step| step.checked_mul(2));
        let down = doubling().chain(1..=tried).map(|step| first.saturating_sub(step));
        // From below too, where the search has come out at an end that is far off.
        let up = doubling().map(|step| low.saturating_add(step - 1)).filter(|_| found.is_none());
        let mut before = None;
        for number in down.chain(up).filter(|number| (low..first).contains(number)) {
            if can_be_read(number)? {
                before = Some(number);
                break;
            }
        }
        match before {
            Some(before) => high = before,
            None => break,
        }
    }
    Ok(found)
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
        self.first_of("events")
    }

    pub(super) fn first_of(&self, table: &str) -> Result<i64, ReadError> {
        let failed = |error: rusqlite::Error| self.failed(&error);
        let min = format!("SELECT min(seq) FROM {table}");
        match self.connection.query_row(&min, [], |row| row.get::<_, Option<i64>>(0)) {
            Err(error) if is_damage(&error) => {
                // What is before the first row leads to its page too, so that the damage begins at 1.
                let last = self.last_of(table).map_err(failed)?;
                let first = first_readable(1, last, TRIED, &mut |seq| match is_on_whole_page(
                    &self.connection,
                    table,
                    seq,
                ) {
                    Err(error) if is_damage(&error) => Ok(false),
                    looked => looked.map(|()| true),
                });
                Ok((first.map_err(failed)?.unwrap_or(last) - 1).max(1))
            }
            first => first.map(Option::unwrap_or_default).map_err(failed),
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
                // The row that was met has another number than its own.
                Ok(None) if matches!(met, ReadError::DamagedRow { .. }) => {
                    damaged = Some((damaged.map_or(number, |(first, _)| first), number));
                }
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

    /// Whether a row whose number is out of order stands between these two, where the first may not have been met.
    pub(super) fn is_odd_between(&self, table: &str, seq: i64, next: i64) -> bool {
        let numbers = format!("SELECT seq FROM {table} WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
        let is_odd = || -> rusqlite::Result<bool> {
            let mut select = self.connection.prepare_cached(&numbers)?;
            let mut found = select.query([seq - ROWS_OF_A_PAGE, 4 * ROWS_OF_A_PAGE])?;
            let mut last = i64::MIN;
            while let Some(row) = found.next()? {
                let number: i64 = row.get(0)?;
                if number <= last {
                    return Ok(true);
                }
                if number >= next {
                    break;
                }
                last = number;
            }
            Ok(false)
        };
        // Damage is told by whoever reads on.
        is_odd().unwrap_or(false)
    }

    /// Nothing in order was found behind `seq`, but a row with a number that is out of order or was never given out.
    pub(super) fn at_odd_end(
        &self,
        table: &str,
        seq: i64,
        never_given: Option<JournalRow>,
    ) -> Result<Vec<JournalRow>, ReadError> {
        match last_given(&self.connection, table) {
            Ok(last) if last > seq => Err(ReadError::DamagedPages {
                path: self.path.clone(),
                first: seq + 1,
                last,
                reason: "numbers of rows are out of order".to_owned(),
            }),
            Err(error) if !is_damage(&error) => Err(self.failed(&error)),
            // Where rows were given that it does not know of, the word on the last number is what is wrong.
            _ => Ok(never_given.filter(|row| row.seq.saturating_sub(seq) <= TRIED).into_iter().collect()),
        }
    }

    /// One row by its number.
    pub(super) fn try_row(
        &self,
        table: &str,
        seq: i64,
    ) -> rusqlite::Result<Option<Result<JournalRow, ReadError>>> {
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
