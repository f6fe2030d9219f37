//! One batch in the producer's hands: which of its records are open, stored, refused or given up, and the rows of its copy.
//! What follows from a change is decided in `core`.

use std::sync::Arc;
use std::time::Duration;

use crate::completion::AppendResult;
use crate::kafka::batch_error;
use crate::receipt::{Position, Receipt, RecordFailure, RecordOutcome, Stored};
use crate::record::Batch;

/// The offset of a record that Kafka has not answered.
const OPEN: i64 = -1;

/// Whoever waits for a batch. Dropping it gives back the memory that the batch was charged for.
pub(crate) trait Waiter {
    /// Tells the fate while the batch stays in memory; a second answer changes nothing.
    fn answer(&mut self, result: AppendResult);
}

#[derive(Debug)]
pub(crate) struct InFlight<W> {
    /// Rises with each batch: a slot is used again, an id never.
    pub(crate) id: u64,
    pub(crate) batch: Arc<Batch>,
    pub(crate) taken: Duration,
    pub(crate) waiter: W,
    /// Nobody waits: it was answered, or it came from the journal.
    pub(crate) answered: bool,
    /// Its records came from rows of the journal.
    pub(crate) drained: bool,
    /// A copy is on its way to the journal.
    pub(crate) copying: bool,
    /// One a record.
    positions: Vec<Position>,
    failures: Vec<(usize, RecordFailure)>,
    /// Records that the producer gave up and that have no row yet.
    pub(crate) given_up: Vec<usize>,
    /// The row of each record, 0 for none; empty while there is no copy.
    rows: Vec<i64>,
    /// Records of whom nothing more is to come.
    pub(crate) settled: usize,
}

impl<W: Waiter> InFlight<W> {
    pub(crate) fn new(id: u64, batch: Arc<Batch>, waiter: W, taken: Duration) -> Self {
        let open = Position { partition: 0, offset: OPEN };
        Self {
            id,
            positions: vec![open; batch.len()],
            batch,
            taken,
            waiter,
            answered: false,
            drained: false,
            copying: false,
            failures: Vec::new(),
            given_up: Vec::new(),
            rows: Vec::new(),
            settled: 0,
        }
    }

    /// Records that were read from these rows.
    pub(crate) fn drained(id: u64, batch: Arc<Batch>, waiter: W, taken: Duration, rows: Vec<i64>) -> Self {
        Self { answered: true, drained: true, rows, ..Self::new(id, batch, waiter, taken) }
    }

    pub(crate) fn row(&self, index: usize) -> Option<i64> {
        self.rows.get(index).copied().filter(|seq| *seq > 0)
    }

    pub(crate) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Rows of records that Kafka has not answered.
    pub(crate) fn open_rows(&self) -> u64 {
        self.open().into_iter().filter(|index| self.row(*index).is_some()).count() as u64
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled == self.positions.len()
    }

    pub(crate) fn stored(&mut self, index: usize, position: Position) {
        self.positions[index] = position;
        self.settled += 1;
    }

    pub(crate) fn refused(&mut self, index: usize, failure: RecordFailure) {
        self.failures.push((index, failure));
        self.settled += 1;
    }

    /// The records that are neither stored nor refused, in order.
    pub(crate) fn open(&self) -> Vec<usize> {
        let refused = |index: &usize| self.failures.iter().any(|(refused, _)| refused == index);
        (0..self.positions.len())
            .filter(|index| self.positions[*index].offset == OPEN && !refused(index))
            .collect()
    }

    /// The records of these numbers have rows from `first_row` on. Gives the row of each, and whether it is settled
    /// meanwhile, so that the row has nothing to wait for.
    pub(crate) fn copied(&mut self, copied: &[usize], first_row: i64) -> Vec<(usize, i64, bool)> {
        self.rows = vec![0; self.positions.len()];
        let open = self.open();
        (first_row..)
            .zip(copied)
            .map(|(seq, index)| {
                self.rows[*index] = seq;
                (*index, seq, open.binary_search(index).is_err())
            })
            .collect()
    }

    /// What is to be said once all is stored, refused or copied.
    pub(crate) fn result(&mut self) -> AppendResult {
        let positions = std::mem::take(&mut self.positions);
        if self.failures.is_empty() {
            let copied = positions.iter().any(|position| position.offset == OPEN);
            let stored = if copied { Stored::Journal } else { Stored::Kafka(positions) };
            return Ok(Receipt::now(stored));
        }
        let outcome = |position: Position| match position.offset {
            OPEN => RecordOutcome::Journaled,
            _ => RecordOutcome::Stored(position),
        };
        let mut outcomes: Vec<_> = positions.into_iter().map(outcome).collect();
        for (index, failure) in std::mem::take(&mut self.failures) {
            outcomes[index] = RecordOutcome::Failed(failure);
        }
        Err(batch_error(outcomes))
    }

    /// Answers while records are still in the producer's hands; positions are kept for what is still to come.
    pub(crate) fn answer_copied(&mut self) {
        let (positions, failures) = (self.positions.clone(), self.failures.clone());
        let result = self.result();
        (self.positions, self.failures) = (positions, failures);
        self.answer(result);
    }

    pub(crate) fn answer(&mut self, result: AppendResult) {
        if !std::mem::replace(&mut self.answered, true) {
            self.waiter.answer(result);
        }
    }
}
