//! The journal's events from one moment to another, a page at a time, in the order in which they were stored.
//! What is missing or damaged on the way is told and counted; what is done with a page is left to the command.

use super::{Moment, Selection};
use crate::commands::CommandError;
use footfall_delivery::journal::{JournalReader, JournalRow};
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often progress is told: to somebody who looks on, and to a file.
const LOOKING_ON: Duration = Duration::from_secs(1);
const UNWATCHED: Duration = Duration::from_secs(10);

pub(super) struct Pages {
    reader: JournalReader,
    /// The last row that was read.
    after: i64,
    /// The last row that is meant.
    last: i64,
    first: i64,
    told_at: Instant,
    /// Rows that could not be read.
    pub(super) damaged: u64,
}

impl Pages {
    /// Opens the journal. What is stored from now on is not read, so that reading comes to an end.
    pub(super) fn open(data_dir: &Path, selection: &Selection) -> Result<Self, CommandError> {
        let reader = JournalReader::open(data_dir)?;
        let newest = reader.last_seq()?;
        let at = |moment: Option<Moment>| moment.map(|moment| reader.seq_at(moment.0)).transpose();
        let first = match at(selection.since)? {
            Some(first) => first,
            None => reader.first_seq()?,
        };
        let last = at(selection.until)?.map_or(newest, |behind| newest.min(behind - 1));
        Ok(Self { reader, after: first.max(1) - 1, last, first, told_at: Instant::now(), damaged: 0 })
    }

    /// At most `limit` of the next rows; `None` at the end. Rows that are not there any more are told.
    pub(super) fn next(&mut self, limit: usize) -> Result<Option<Vec<JournalRow>>, CommandError> {
        self.reader.follow();
        while self.after < self.last {
            let mut rows = match self.reader.read_after(self.after, limit) {
                Ok(rows) => rows,
                // What is damaged costs no other.
                Err(error) => {
                    let Some((behind, rows)) = error.passes_over() else { return Err(error.into()) };
                    // Behind the last that is meant.
                    if behind - rows as i64 >= self.last {
                        return Ok(None);
                    }
                    eprintln!("footfall: {error}");
                    self.damaged += rows;
                    self.after = behind;
                    continue;
                }
            };
            rows.retain(|row| row.seq <= self.last);
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                self.tell_gone(self.last);
                return Ok(None);
            };
            self.tell_gone(first.seq - 1);
            self.after = last.seq;
            return Ok(Some(rows));
        }
        Ok(None)
    }

    /// Says which rows are not there any more, if any up to this one.
    fn tell_gone(&mut self, to: i64) {
        if to > self.after {
            eprintln!(
                "footfall: rows {} to {to} are not there: they went by retention, or were set aside as damaged",
                self.after + 1
            );
            self.after = to;
        }
    }

    /// Says on standard error how far it is, now and then.
    pub(super) fn tell(&mut self, doing: &str, events: u64) {
        let every = if std::io::stderr().is_terminal() { LOOKING_ON } else { UNWATCHED };
        if self.told_at.elapsed() < every {
            return;
        }
        self.told_at = Instant::now();
        let share = (self.after - self.first + 1) * 100 / (self.last - self.first + 1).max(1);
        eprintln!("footfall: {share} %, {events} events {doing}");
    }
}
