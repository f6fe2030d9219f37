//! How the journal's rows come back to the producer: in order, after a trial, and with what is new right behind them.
//! Reading them is the drain's business.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::Core;
use crate::fallback::in_flight::{InFlight, Waiter};
use crate::fallback::phase::KafkaState;
use crate::fallback::rows::Next;
use crate::record::Batch;

/// How many rows try whether Kafka takes any.
const TRIAL_ROWS: usize = 100;

/// Ranges of delivered rows that may wait to be deleted: beyond it the drain pauses, so that a journal that cannot be
/// written does not make them grow.
const MAX_DELIVERED_RANGES: usize = 100_000;

/// What the drain does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read these rows, at most so many, and hand them over.
    Read(RangeInclusive<i64>, usize),
    /// Let new batches wait, then go on.
    Join,
    /// They have waited too long: they go to the journal.
    LeaveJoin,
    /// Every row is handed over.
    Finish,
    Wait,
}

impl<W: Waiter> Core<W> {
    /// What the drain does next.
    pub(crate) fn step(&self, now: Duration) -> Step {
        if self.closed || self.doubt {
            return Step::Wait;
        }
        match (self.phase.state(), self.rows.next()) {
            (KafkaState::Recovering, _) => {}
            // What was set aside waits in a row, whose place in the order does not matter.
            (KafkaState::Healthy, Next::Ahead(rows)) => return Step::Read(rows, TRIAL_ROWS),
            _ => return Step::Wait,
        }
        if self.phase.join_is_late(now) {
            return Step::LeaveJoin;
        }
        let proven = self.phase.is_proven();
        let full = self.in_flight_bytes >= self.limits.drain_bytes;
        let next = self.rows.next();
        match next {
            // One small group tries whether Kafka takes any; what it holds from before tries as well.
            _ if !proven && !self.in_flight.is_empty() => Step::Wait,
            Next::Nothing if self.fresh == 0 => Step::Finish,
            _ if full || self.rows.delivered_ranges() > MAX_DELIVERED_RANGES => Step::Wait,
            _ if proven && !self.phase.is_joining() && self.rows.ahead() <= self.limits.join_rows => {
                Step::Join
            }
            Next::Nothing => Step::Wait,
            Next::Due(seq) => Step::Read(seq..=seq, 1),
            Next::Ahead(rows) => Step::Read(rows, if proven { usize::MAX } else { TRIAL_ROWS }),
        }
    }

    pub(crate) fn join(&mut self, now: Duration) {
        self.phase.join(now);
    }

    /// New batches no longer wait in memory; gives those that did, for the journal.
    pub(crate) fn leave_join(&mut self) -> Vec<(Arc<Batch>, W)> {
        self.phase.give_up_join();
        self.fresh += self.parked.len();
        std::mem::take(&mut self.parked)
    }

    /// Whether a row that was read is to be handed over.
    pub(crate) fn is_wanted(&self, seq: i64) -> bool {
        self.phase.state() != KafkaState::Away && self.rows.is_wanted(seq)
    }

    /// Rows up to this one need no handing over.
    pub(crate) fn passed(&mut self, seq: i64) {
        if self.phase.state() != KafkaState::Away {
            self.rows.passed(seq);
        }
    }

    /// The same for a row that is known to be unwanted, or was just taken.
    pub(crate) fn passed_unless_wanted(&mut self, seq: i64) {
        if !self.rows.is_wanted(seq) {
            self.passed(seq);
        }
    }

    /// Takes up records that were read from these rows, each of them wanted; all up to the last are passed. `None` if
    /// the state has changed since they were read: they are read again.
    pub(crate) fn drained(
        &mut self,
        now: Duration,
        batch: Arc<Batch>,
        waiter: W,
        rows: Vec<i64>,
    ) -> Option<usize> {
        if self.phase.state() == KafkaState::Away || !rows.iter().all(|seq| self.rows.is_wanted(*seq)) {
            return None;
        }
        rows.iter().for_each(|seq| self.rows.passed(*seq));
        self.in_flight_bytes += batch.size_bytes();
        self.next_id += 1;
        Some(self.in_flight.insert(InFlight::drained(self.next_id, batch, waiter, now, rows)))
    }

    /// Every row is in the producer's hands, so what comes now stands behind it: gives the slots of the batches that
    /// waited for this, to be produced before any other. `None` if there is something left to hand over.
    pub(crate) fn finish(&mut self, now: Duration) -> Option<Vec<(usize, Arc<Batch>)>> {
        if self.step(now) != Step::Finish {
            return None;
        }
        self.phase.joined(now);
        self.rows.all_handed_over(self.in_flight.iter().map(|(_, one)| one.open_rows()).sum());
        let parked = std::mem::take(&mut self.parked);
        let take_up =
            |(batch, waiter): (Arc<Batch>, W)| (self.take_up(now, Arc::clone(&batch), waiter), batch);
        Some(parked.into_iter().map(take_up).collect())
    }
}
