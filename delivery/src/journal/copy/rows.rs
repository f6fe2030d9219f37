//! The rows of one table, on their way from a damaged file to its copy: which can be read, and which number is to be believed.
//! Where a page is damaged, the next row that can be read is looked for.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{Copied, Done, LOOK_AHEAD, MAX_NUMBER, Table, commit, damage, is_refused, used, write};
use crate::clock::now_ms;
use crate::journal::passing::{first_readable, is_on_whole_page};
use crate::journal::reader::{COLUMNS, read_row};

/// So many numbers behind a damaged page are tried one by one; beyond them the next row is searched for.
const TRIED: i64 = 200_000;

/// How many rows before the first that can be read count as lost: what a page holds. How many there were, nobody knows;
/// their numbers say nothing, since retention deletes at that end.
const ROWS_OF_A_PAGE: i64 = 128;

/// What one transaction takes, so that the log of the copy stays small.
const COMMIT_ROWS: u32 = 2_000;
const COMMIT_BYTES: usize = 4 << 20;

const OUT_OF_ORDER: &str = "its number is out of order";

/// A row as it was found, before it is known whether the next one's number fits.
struct Found {
    seq: i64,
    values: Vec<Value>,
    /// What does not fit.
    wrong: Option<String>,
}

impl Found {
    fn read(row: &Row<'_>, more: bool) -> rusqlite::Result<Self> {
        let seq = row.get(0)?;
        let count = if more { 8 } else { 6 };
        let values = (0..count).map(|column| row.get(column).unwrap_or(Value::Null)).collect::<Vec<_>>();
        let mut wrong = read_row(seq, row).err();
        if more {
            if !matches!(values[6], Value::Integer(0 | 1)) {
                wrong = wrong.or(Some("its stream is none".to_owned()));
            }
            // A text that is not UTF-8 has become NULL above, which would be another topic.
            if row.get::<_, Option<String>>(7).is_err() {
                wrong = wrong.or(Some("its topic is none".to_owned()));
            }
        }
        Ok(Self { seq, values, wrong })
    }

    fn bytes(&self) -> usize {
        let length = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 8,
        };
        self.values.iter().map(length).sum()
    }
}

/// One table's way into the copy.
pub(super) struct Copy<'a> {
    from: &'a Connection,
    into: &'a Connection,
    table: &'a Table,
    copied: Copied,
    /// The row that was read last; it is kept once the next one is behind it.
    held: Option<Found>,
    /// The number of the last row that is kept.
    last: i64,
    /// In the transaction that is open.
    rows: u32,
    bytes: usize,
}

impl<'a> Copy<'a> {
    pub(super) fn new(from: &'a Connection, into: &'a Connection, table: &'a Table, copied: Copied) -> Self {
        Self { from, into, table, copied, held: None, last: 0, rows: 0, bytes: 0 }
    }

    /// Copies all rows; gives what became of them, beside those before.
    pub(super) fn all(mut self, select: &str) -> Done<Copied> {
        self.go_through(select)?;
        Ok(self.copied)
    }

    fn go_through(&mut self, select: &str) -> Done {
        let from = self.from;
        let end = self.end()?;
        let mut scan = match from.prepare(&format!("{select} WHERE seq >= ?1 ORDER BY seq")) {
            Ok(scan) => scan,
            Err(error) => return damage(error).map(|_| self.copied.lost += 1),
        };
        let (mut from, mut is_first) = (i64::MIN, true);
        loop {
            // As long as the file can be read in order …
            let reason = self.scan(&mut scan, from, &mut is_first)?;
            self.settle(end)?;
            let Some(reason) = reason else { return Ok(()) };
            let after = from.max(self.last);
            tracing::debug!("the table {} is damaged behind row {after}: {reason}", self.table.name);
            // … and over a damaged page to the next row that can be.
            let end = end.unwrap_or(after.saturating_add(LOOK_AHEAD));
            let next = if is_first { self.first(end)? } else { self.next(after, end)? };
            is_first = false;
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Reads in order from a number on; gives what ended it too early.
    fn scan(
        &mut self,
        scan: &mut rusqlite::Statement<'_>,
        from: i64,
        is_first: &mut bool,
    ) -> Done<Option<String>> {
        let more = !self.table.more.is_empty();
        let mut rows = match scan.query([from]) {
            Ok(rows) => rows,
            Err(error) => return damage(error).map(Some),
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => match Found::read(row, more) {
                    Ok(found) => {
                        *is_first = false;
                        self.met(found)?;
                    }
                    Err(error) => {
                        damage(error)?;
                        self.copied.lost += 1;
                    }
                },
                Ok(None) => return Ok(None),
                Err(error) => return damage(error).map(Some),
            }
        }
    }

    /// Numbers rise: of two that do not, the one is wrong that fits the row before less.
    fn met(&mut self, found: Found) -> Done {
        let Some(held) = self.held.take() else {
            if found.seq <= self.last {
                return self.set_aside(&found, OUT_OF_ORDER);
            }
            self.held = Some(found);
            return Ok(());
        };
        let is_behind = found.seq > held.seq;
        let held_jumped = found.seq > self.last && (found.seq < held.seq || held.seq != self.last + 1);
        if is_behind {
            self.held = Some(found);
            self.keep(&held)
        } else if held_jumped {
            self.held = Some(found);
            self.set_aside(&held, OUT_OF_ORDER)
        } else {
            self.held = Some(held);
            self.set_aside(&found, OUT_OF_ORDER)
        }
    }

    /// No row behind says whether the last one's number is right.
    fn settle(&mut self, end: Option<i64>) -> Done {
        let Some(held) = self.held.take() else { return Ok(()) };
        let is_given = match self.used()? {
            Some(used) if used >= self.last => held.seq <= used,
            // Rows were kept that it does not know of: then it says nothing.
            _ => held.seq - self.last <= LOOK_AHEAD || end == Some(held.seq),
        };
        if is_given { self.keep(&held) } else { self.set_aside(&held, "its number was never given out") }
    }

    /// The last number that was given out, as far as the file says.
    fn used(&self) -> Done<Option<i64>> {
        used(self.from, self.table.name)
    }

    /// Where to stop looking for rows.
    fn end(&self) -> Done<Option<i64>> {
        let max = format!("SELECT max(seq) FROM {}", self.table.name);
        let last = match self.from.query_row(&max, [], |row| row.get::<_, Option<i64>>(0)) {
            Ok(last) => Some(last.unwrap_or_default()),
            Err(error) => damage(error).map(|_| None)?,
        };
        Ok(last.filter(|last| *last < MAX_NUMBER).max(self.used()?))
    }

    fn is_whole(&self, seq: i64) -> Done<bool> {
        match is_on_whole_page(self.from, self.table.name, seq) {
            Ok(()) => Ok(true),
            Err(error) => damage(error).map(|_| false),
        }
    }

    /// The first number that can be read where the first page is damaged.
    fn first(&mut self, end: i64) -> Done<Option<i64>> {
        let first = first_readable(1, end, TRIED, &mut |seq| self.is_whole(seq))?;
        let before = first.map_or(ROWS_OF_A_PAGE.min(end), |first| first - 1);
        self.copied.lost += before.clamp(1, ROWS_OF_A_PAGE).unsigned_abs();
        Ok(first)
    }

    /// The next number behind `after` that can be read.
    fn next(&mut self, after: i64, end: i64) -> Done<Option<i64>> {
        let tried = end.min(after.saturating_add(TRIED));
        for seq in after + 1..=tried {
            if self.is_whole(seq)? {
                return Ok(Some(seq));
            }
            self.copied.lost += 1;
        }
        let next = first_readable(tried + 1, end, TRIED, &mut |seq| self.is_whole(seq))?;
        self.copied.lost += next.map_or(0, |next| next - tried - 1).unsigned_abs();
        Ok(next)
    }

    fn keep(&mut self, found: &Found) -> Done {
        if let Some(reason) = &found.wrong {
            self.last = found.seq;
            return self.set_aside(found, reason);
        }
        let Table { name, more, .. } = self.table;
        let places =
            if more.is_empty() { "?1, ?2, ?3, ?4, ?5, ?6" } else { "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8" };
        let sql = format!("INSERT INTO {name} ({COLUMNS}{more}) VALUES ({places})");
        let inserted = self
            .into
            .prepare_cached(&sql)
            .and_then(|mut insert| insert.execute(params_from_iter(&found.values)));
        match inserted {
            // One wrong value costs its row alone.
            Err(error) if is_refused(&error) => return self.set_aside(found, &error.to_string()),
            inserted => write(inserted)?,
        };
        self.last = found.seq;
        self.copied.kept += 1;
        self.written(found.bytes())
    }

    /// A row that can be read and does not stay under its number is not thrown away.
    fn set_aside(&mut self, found: &Found, reason: &str) -> Done {
        self.copied.lost += 1;
        let sql = "INSERT INTO damaged_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let [_, _, key, headers, payload, ..] = &found.values[..] else { return Ok(()) };
        let row = params![self.table.name, found.seq, now_ms(), reason, key, headers, payload];
        write(self.into.prepare_cached(sql).and_then(|mut insert| insert.execute(row)))?;
        self.written(found.bytes())
    }

    fn written(&mut self, bytes: usize) -> Done {
        (self.rows, self.bytes) = (self.rows + 1, self.bytes + bytes);
        if self.rows >= COMMIT_ROWS || self.bytes >= COMMIT_BYTES {
            (self.rows, self.bytes) = (0, 0);
            commit(self.into)?;
            write(self.into.execute_batch("BEGIN IMMEDIATE"))?;
        }
        Ok(())
    }
}
