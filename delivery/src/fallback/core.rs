//! Everything that is decided about a batch between its coming and its last acknowledgement, without I/O and without a
//! clock of its own. The threads around it produce, write and read as it says, and tell it what came of that.
//!
//! | where a batch goes | while |
//! |---|---|
//! | to the producer | healthy |
//! | to the journal | away, recovering |
//! | to a short queue in memory | the last rows before it are being handed over |

use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use super::in_flight::{InFlight, Waiter};
use super::offsets::{Known, Offsets};
use super::phase::{KafkaState, Phase};
use super::ranges::SeqRanges;
use super::rows::{Next, Rows};
use super::ticket::Ticket;
use crate::completion::AppendResult;
use crate::error::DeliveryError;
use crate::kafka::{DEFAULT_BATCH_BYTES, Refused};
use crate::receipt::{Position, RecordFailure};
use crate::record::{Batch, Record, Stream};

/// With so few rows left, new batches wait in memory for them to be handed over.
const JOIN_ROWS: u64 = 4_000;

/// How many rows try whether Kafka takes any.
pub(crate) const TRIAL_ROWS: usize = 100;

/// Bounds of what the producer may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) slow_after: Duration,
    /// Bytes in flight at which more goes to the journal.
    pub(crate) in_flight_bytes: usize,
    /// Bytes in flight at which the drain pauses.
    pub(crate) drain_bytes: usize,
}

/// Where a batch goes.
pub(crate) enum Admitted<W> {
    /// Each record is to be produced under a ticket of this slot.
    Produce(usize),
    /// It is to be written to the journal.
    Journal(W),
    /// It waits in the core.
    Parked,
    Closed(W),
}

/// What follows from the fate of one record.
pub(crate) struct Settled<W> {
    /// The batch is at its end; what is to be said to its waiter, if that was not done before.
    pub(crate) ended: Option<(W, Option<AppendResult>)>,
    /// A record that Kafka refuses for good, with the row that it stood in.
    pub(crate) set_aside: Option<SetAside>,
    /// Rows wait to be deleted.
    pub(crate) rows_delivered: bool,
}

/// A record that no retry can help.
#[derive(Debug)]
pub(crate) struct SetAside {
    pub(crate) record: Record,
    pub(crate) stream: Stream,
    pub(crate) failure: RecordFailure,
    pub(crate) row: Option<i64>,
}

/// A batch whose open records are to be copied to the journal.
#[derive(Clone, Debug)]
pub(crate) struct CopyJob {
    pub(crate) slot: usize,
    pub(crate) id: u64,
    pub(crate) batch: Arc<Batch>,
}

/// What goes to the journal as the breaker opens, in this order.
pub(crate) struct Opened<W> {
    pub(crate) copies: Vec<CopyJob>,
    pub(crate) parked: Vec<(Arc<Batch>, W)>,
}

/// What one transaction is to hold beside the batches that wait for it.
#[derive(Debug, Default)]
pub(crate) struct CommitPlan {
    pub(crate) delete: SeqRanges,
    pub(crate) offsets: Vec<Known>,
    /// For each copy, the numbers of the records that are still open.
    pub(crate) copies: Vec<Vec<usize>>,
}

/// What the drain does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read these rows, at most so many, and hand them over.
    Read(std::ops::RangeInclusive<i64>, usize),
    /// Let new batches wait, then go on.
    Join,
    /// They have waited too long: they go to the journal.
    LeaveJoin,
    /// Every row is handed over.
    Finish,
    Wait,
}

/// Counts for metrics; totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) drained: u64,
    pub(crate) late: u64,
    pub(crate) possible_duplicates: u64,
    pub(crate) set_aside: u64,
    pub(crate) damaged: u64,
}

pub(crate) struct Core<W> {
    pub(crate) phase: Phase,
    limits: Limits,
    in_flight: Slab<InFlight<W>>,
    in_flight_bytes: usize,
    next_id: u64,
    parked: Vec<(Arc<Batch>, W)>,
    /// Batches that are on their way to the journal.
    fresh: usize,
    pub(crate) rows: Rows,
    pub(crate) offsets: Offsets,
    pub(crate) totals: Totals,
    /// The bound of the producer's batches.
    pub(crate) batch_bytes: usize,
    /// The topic has refused a batch of more than one record: it takes less than it did.
    pub(crate) batches_too_large: bool,
    /// Why the breaker must open at once.
    must_open: Option<String>,
    closed: bool,
}

impl<W: Waiter> Core<W> {
    pub(crate) fn new(limits: Limits, rows: Rows) -> Self {
        Self {
            phase: Phase::new(limits.slow_after),
            limits,
            in_flight: Slab::new(),
            in_flight_bytes: 0,
            next_id: 0,
            parked: Vec::new(),
            fresh: 0,
            rows,
            offsets: Offsets::default(),
            totals: Totals::default(),
            batch_bytes: DEFAULT_BATCH_BYTES,
            batches_too_large: false,
            must_open: None,
            closed: false,
        }
    }

    /// Decides where a batch of at least one record goes.
    pub(crate) fn admit(&mut self, now: Duration, batch: &Arc<Batch>, waiter: W) -> Admitted<W> {
        if self.closed {
            return Admitted::Closed(waiter);
        }
        if self.phase.state() == KafkaState::Healthy {
            let slot = self.take_up(now, Arc::clone(batch), waiter);
            if self.in_flight_bytes > self.limits.in_flight_bytes && self.must_open.is_none() {
                self.must_open = Some("more comes than the brokers take".to_owned());
            }
            return Admitted::Produce(slot);
        }
        if self.phase.is_joining() {
            self.parked.push((Arc::clone(batch), waiter));
            return Admitted::Parked;
        }
        self.fresh += 1;
        Admitted::Journal(waiter)
    }

    fn take_up(&mut self, now: Duration, batch: Arc<Batch>, waiter: W) -> usize {
        self.in_flight_bytes += batch.size_bytes();
        self.next_id += 1;
        self.in_flight.insert(InFlight::new(self.next_id, batch, waiter, now))
    }

    /// Notes the fate of one record, as the producer told it.
    pub(crate) fn settle(
        &mut self,
        now: Duration,
        ticket: Ticket,
        fate: Result<Position, Refused>,
    ) -> Settled<W> {
        let mut settled = Settled { ended: None, set_aside: None, rows_delivered: false };
        let Some(one) = self.in_flight.get_mut(ticket.slot) else { return settled };
        let row = one.row(ticket.index);
        let fate = fate.map_err(|refused| match refused {
            // A record that is larger than the bound of a batch is alone in it.
            Refused::TooLarge(failure)
                if one.batch.records()[ticket.index].wire_bytes() > self.batch_bytes =>
            {
                Refused::Record(failure)
            }
            Refused::TooLarge(mut failure) => {
                self.batches_too_large = true;
                failure.reason = format!("the topic takes no batch of {} bytes any more", self.batch_bytes);
                Refused::GivenUp { failure, possibly_stored: false }
            }
            other => other,
        });
        match fate {
            Ok(position) => {
                self.phase.acknowledged(now);
                self.offsets.note(one.batch.stream(), position);
                one.stored(ticket.index, position);
                if let Some(seq) = row {
                    self.rows.delivered(seq);
                    settled.rows_delivered = true;
                    let total = if one.drained { &mut self.totals.drained } else { &mut self.totals.late };
                    *total += 1;
                }
            }
            Err(Refused::Record(failure)) => {
                // The broker has spoken: it is there.
                self.phase.acknowledged(now);
                self.totals.set_aside += 1;
                let record = one.batch.records()[ticket.index].clone();
                let stream = one.batch.stream();
                settled.set_aside = Some(SetAside { record, stream, failure: failure.clone(), row });
                one.refused(ticket.index, failure);
            }
            Err(Refused::TooLarge(_)) => {}
            Err(Refused::GivenUp { failure, possibly_stored }) => {
                self.phase.failed();
                self.totals.possible_duplicates += u64::from(possibly_stored);
                match row {
                    Some(seq) => {
                        self.rows.given_up(seq);
                        one.settled += 1;
                    }
                    // The journal did not take its copy, and its caller was told so.
                    None if one.answered && !one.copying => one.settled += 1,
                    // It is settled once it has a row, which the breaker sees to.
                    None => one.given_up.push(ticket.index),
                }
                if self.phase.state() != KafkaState::Away {
                    self.must_open.get_or_insert(failure.reason);
                }
            }
        }
        settled.ended = self.end(ticket.slot);
        settled
    }

    fn end(&mut self, slot: usize) -> Option<(W, Option<AppendResult>)> {
        self.in_flight.get(slot).filter(|one| one.is_settled())?;
        let mut one = self.in_flight.remove(slot);
        self.in_flight_bytes -= one.batch.size_bytes();
        let result = (!one.answered).then(|| one.result());
        Some((one.waiter, result))
    }

    /// A connection failed; in words, for the log of a change that may follow.
    pub(crate) fn failed(&mut self) {
        if !self.in_flight.is_empty() {
            self.phase.failed();
        }
    }

    /// Why the breaker must open now, if it must.
    pub(crate) fn trip(&mut self, now: Duration) -> Option<String> {
        let must = self.must_open.take();
        if self.phase.state() == KafkaState::Away {
            return None;
        }
        must.or_else(|| self.phase.trip(now, self.oldest()))
    }

    /// When the oldest batch was taken that the producer holds.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.in_flight.iter().map(|(_, one)| one.taken).min()
    }

    /// New batches go to the journal from now on; gives what goes there before them.
    pub(crate) fn open(&mut self, now: Duration) -> Opened<W> {
        self.phase.open(now);
        let mut uncopied: Vec<_> = self
            .in_flight
            .iter_mut()
            .filter(|(_, one)| !one.copying && !one.has_rows() && !one.answered)
            .collect();
        uncopied.sort_by_key(|(_, one)| one.id);
        let copies = uncopied
            .into_iter()
            .map(|(slot, one)| {
                one.copying = true;
                CopyJob { slot, id: one.id, batch: Arc::clone(&one.batch) }
            })
            .collect();
        Opened { copies, parked: self.leave_join() }
    }

    /// A probe has found Kafka usable, and what may stand there already is known.
    pub(crate) fn found(&mut self, now: Duration) {
        if !self.closed {
            self.phase.found(now);
        }
    }

    /// What a transaction is to hold. Taken at once: an offset stands for all that Kafka acknowledged up to it, so a
    /// record that is copied in the same transaction must still be open.
    pub(crate) fn begin_commit<'a>(&mut self, copies: impl Iterator<Item = &'a CopyJob>) -> CommitPlan {
        CommitPlan {
            delete: self.rows.take_delivered(),
            offsets: self.offsets.take(),
            copies: copies.map(|job| self.flight(job).map(|one| one.open()).unwrap_or_default()).collect(),
        }
    }

    /// The rest of a transaction was not written.
    pub(crate) fn commit_failed(&mut self, plan: &CommitPlan) {
        self.rows.not_deleted(&plan.delete);
        if !plan.offsets.is_empty() {
            self.offsets.not_kept();
        }
    }

    fn flight(&mut self, job: &CopyJob) -> Option<&mut InFlight<W>> {
        self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id)
    }

    /// A batch that came while Kafka was away was written to these rows.
    pub(crate) fn fresh_written(&mut self, rows: std::ops::RangeInclusive<i64>) {
        self.fresh -= 1;
        self.rows.committed(rows);
    }

    pub(crate) fn fresh_failed(&mut self) {
        self.fresh -= 1;
    }

    /// The records of these numbers were copied to rows from `first` on: whoever waits is answered.
    pub(crate) fn copied(
        &mut self,
        job: &CopyJob,
        copied: &[usize],
        first: i64,
    ) -> Option<(W, Option<AppendResult>)> {
        if !copied.is_empty() {
            self.rows.committed_held(first..=first + copied.len() as i64 - 1);
        }
        let Some(one) = self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id) else {
            (first..).zip(copied).for_each(|(seq, _)| self.rows.delivered(seq));
            return None;
        };
        one.copying = false;
        for (index, seq, settled) in one.copied(copied, first) {
            if settled {
                self.rows.delivered(seq);
            } else if one.given_up.contains(&index) {
                self.rows.given_up(seq);
                one.settled += 1;
            }
        }
        one.given_up.clear();
        one.answer_copied();
        self.end(job.slot)
    }

    /// The journal did not take the copy. The producer goes on, but nobody waits for it any longer.
    pub(crate) fn copy_failed(
        &mut self,
        now: Duration,
        job: &CopyJob,
        reason: &str,
    ) -> Option<(W, Option<AppendResult>)> {
        let one = self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id)?;
        one.copying = false;
        let open = one.open().len();
        one.settled += one.given_up.len();
        one.given_up.clear();
        self.totals.possible_duplicates += open as u64;
        let reason = format!("Kafka does not answer, and {reason}");
        one.answer(Err(DeliveryError::TimedOut { after: now.saturating_sub(one.taken), reason }));
        self.end(job.slot)
    }

    /// A refused record was moved from its row to another one, where it waits as a dead letter.
    pub(crate) fn moved(&mut self, row: Option<i64>, to: std::ops::RangeInclusive<i64>) {
        self.rows.committed(to);
        if let Some(seq) = row {
            self.rows.delivered(seq);
        }
    }

    /// What the drain does next.
    pub(crate) fn step(&self, now: Duration) -> Step {
        if self.closed {
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
            _ if proven && !self.phase.is_joining() && self.rows.ahead() <= JOIN_ROWS => Step::Join,
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
        let parked = std::mem::take(&mut self.parked);
        let take_up =
            |(batch, waiter): (Arc<Batch>, W)| (self.take_up(now, Arc::clone(&batch), waiter), batch);
        Some(parked.into_iter().map(take_up).collect())
    }

    /// Takes no more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Batches whose callers wait.
    pub(crate) fn unanswered(&self) -> usize {
        self.in_flight.iter().filter(|(_, one)| !one.answered).count() + self.fresh + self.parked.len()
    }

    /// Batches that the producer holds.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Ends what is left for whoever waits: the producer tells nothing more.
    pub(crate) fn abandon(&mut self) {
        for (_, one) in &mut self.in_flight {
            one.answer(Err(DeliveryError::Closed));
        }
    }
}

/// Ranges of delivered rows that may wait to be deleted: beyond it the drain pauses, so that a journal that cannot be
/// written does not make them grow.
const MAX_DELIVERED_RANGES: usize = 100_000;
