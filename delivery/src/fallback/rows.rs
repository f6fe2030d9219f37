//! Which rows of the outbox wait for Kafka, which the producer holds, and which may be deleted.
//! Pure bookkeeping by row number; rows are read and written elsewhere.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::ranges::SeqRanges;

/// What is known of the rows of the outbox.
///
/// A row is *ahead* of the cursor until the drain has passed it. What is ahead is handed to the producer in the order
/// of row numbers, unless it is skipped; what is behind is handed over again only when the producer gave it up.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The last row that the drain has passed.
    cursor: i64,
    /// The last row that is committed.
    last: i64,
    /// Rows ahead that the drain passes over: the producer holds them, or Kafka has them.
    skip: SeqRanges,
    /// Rows behind that the producer gave up.
    due: BTreeSet<i64>,
    /// Rows that Kafka has, to be deleted with the next commit.
    delivered: SeqRanges,
    /// Rows that are not delivered.
    waiting: u64,
    /// Of those some may not be in the file any more.
    lost: bool,
}

/// What the drain reads next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This row, which the producer gave up.
    Due(i64),
    /// The rows of this range that are not skipped.
    Ahead(RangeInclusive<i64>),
    Nothing,
}

impl Rows {
    /// The rows that an earlier process left: so many, with numbers in this range.
    pub(crate) fn left(rows: &RangeInclusive<i64>, waiting: u64) -> Self {
        Self { cursor: rows.start() - 1, last: *rows.end(), waiting, ..Self::default() }
    }

    /// Rows that nobody holds were committed.
    pub(crate) fn committed(&mut self, rows: RangeInclusive<i64>) {
        self.last = self.last.max(*rows.end());
        self.waiting += count(&rows);
    }

    /// Copies of records that the producer holds were committed.
    pub(crate) fn committed_held(&mut self, rows: RangeInclusive<i64>) {
        self.committed(rows.clone());
        self.skip.insert_range(rows);
    }

    /// Kafka has the row, or it was set aside: nothing waits for it.
    pub(crate) fn delivered(&mut self, seq: i64) {
        self.delivered.insert(seq);
        self.due.remove(&seq);
        if seq > self.cursor {
            self.skip.insert(seq);
        }
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// The producer no longer holds the row and Kafka has not acknowledged it.
    pub(crate) fn given_up(&mut self, seq: i64) {
        if seq > self.cursor {
            self.skip.remove(seq);
        } else {
            self.due.insert(seq);
        }
    }

    pub(crate) fn next(&self) -> Next {
        match self.due.first() {
            Some(seq) => Next::Due(*seq),
            None if self.cursor < self.last => Next::Ahead(self.cursor + 1..=self.last),
            None => Next::Nothing,
        }
    }

    /// Whether a row that was read is to be handed to the producer.
    pub(crate) fn is_wanted(&self, seq: i64) -> bool {
        if seq > self.cursor { !self.skip.contains(seq) } else { self.due.contains(&seq) }
    }

    /// The drain has handed over what is wanted up to this row; a row behind the cursor is no longer due.
    pub(crate) fn passed(&mut self, seq: i64) {
        if seq > self.cursor {
            self.cursor = seq;
            self.skip.forget_through(seq);
        } else {
            self.due.remove(&seq);
        }
    }

    /// The last row that is committed.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Rows, at most, that the drain has not passed yet.
    pub(crate) fn ahead(&self) -> u64 {
        (self.last - self.cursor).max(0).unsigned_abs() + self.due.len() as u64
    }

    /// Rows that Kafka has not acknowledged.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// A row cannot be read: nothing waits for it any longer.
    pub(crate) fn unreadable(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// The file was replaced by what could be read of it: which rows are not in it any more shows when none is ahead.
    pub(crate) fn some_are_lost(&mut self) {
        self.lost = true;
    }

    /// Nothing is ahead or due, and the producer holds so many rows.
    pub(crate) fn all_handed_over(&mut self, held: u64) {
        if std::mem::take(&mut self.lost) {
            self.waiting = self.waiting.min(held);
        }
    }

    pub(crate) fn has_delivered(&self) -> bool {
        !self.delivered.is_empty()
    }

    /// How much memory the rows to be deleted take, in ranges.
    pub(crate) fn delivered_ranges(&self) -> usize {
        self.delivered.ranges()
    }

    /// The rows to be deleted; they are given back by [`Self::not_deleted`] if that fails.
    pub(crate) fn take_delivered(&mut self) -> SeqRanges {
        std::mem::take(&mut self.delivered)
    }

    pub(crate) fn not_deleted(&mut self, rows: &SeqRanges) {
        for range in rows.iter() {
            self.delivered.insert_range(range);
        }
    }
}

fn count(rows: &RangeInclusive<i64>) -> u64 {
    (rows.end() - rows.start() + 1).max(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_producer_holds_is_passed_over_and_comes_back_when_it_is_given_up() {
        let mut rows = Rows::default();
        rows.committed_held(1..=3);
        rows.committed(4..=5);
        assert_eq!(rows.next(), Next::Ahead(1..=5));
        rows.given_up(2);
        let wanted: Vec<_> = (1..=5).filter(|seq| rows.is_wanted(*seq)).collect();
        assert_eq!(wanted, [2, 4, 5]);
        rows.passed(5);
        assert_eq!((rows.next(), rows.ahead(), rows.waiting()), (Next::Nothing, 0, 5));
        rows.given_up(1);
        rows.given_up(4);
        assert_eq!(rows.next(), Next::Due(1));
        rows.passed(1);
        assert_eq!(rows.next(), Next::Due(4));
        for seq in 1..=5 {
            rows.delivered(seq);
        }
        assert_eq!((rows.next(), rows.waiting()), (Next::Nothing, 0));
        assert_eq!(rows.take_delivered().iter().collect::<Vec<_>>(), [1..=5]);
    }

    #[test]
    fn a_row_that_is_delivered_before_the_drain_comes_to_it_is_not_sent_again() {
        let mut rows = Rows::left(&(1..=9), 9);
        rows.delivered(7);
        let deleted = rows.take_delivered();
        assert!(!rows.is_wanted(7), "it may still be in the file");
        rows.not_deleted(&deleted);
        assert!(rows.has_delivered());
        assert_eq!(rows.waiting(), 8);
    }
}
