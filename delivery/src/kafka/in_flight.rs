//! Batches that Kafka has not yet answered, counted down record by record without an allocation for each.
//! Producing and polling are done elsewhere.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;

use super::failure::batch_error;
use crate::completion::Completion;
use crate::error::DeliveryError;
use crate::receipt::{Position, Receipt, RecordFailure, RecordOutcome, Stored};
use crate::record::BATCH_MAX_RECORDS;

/// A record's number within its batch takes the low half of the opaque that travels through librdkafka.
const INDEX_BITS: u32 = usize::BITS / 2;

const _: () = assert!(BATCH_MAX_RECORDS <= 1 << INDEX_BITS, "a record's number must fit its half");

/// What librdkafka carries for one record: the slot of its batch and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    slot: usize,
    index: usize,
}

impl Ticket {
    pub(super) fn to_opaque(self) -> usize {
        self.slot << INDEX_BITS | self.index
    }

    pub(super) fn from_opaque(opaque: usize) -> Self {
        Self { slot: opaque >> INDEX_BITS, index: opaque & ((1 << INDEX_BITS) - 1) }
    }
}

#[derive(Debug)]
struct Pending {
    completion: Completion,
    /// One a record; those that failed stand in `failures` as well.
    positions: Vec<Position>,
    failures: Vec<(usize, RecordFailure)>,
    settled: usize,
    taken: Instant,
    answered: bool,
}

impl Pending {
    fn outcomes(self) -> (Completion, Result<Receipt, DeliveryError>) {
        if self.failures.is_empty() {
            return (self.completion, Ok(Receipt { stored: Stored::Kafka(self.positions) }));
        }
        let mut outcomes: Vec<_> = self.positions.into_iter().map(RecordOutcome::Stored).collect();
        for (index, failure) in self.failures {
            outcomes[index] = RecordOutcome::Failed(failure);
        }
        (self.completion, Err(batch_error(outcomes, self.taken.elapsed())))
    }
}

#[derive(Debug, Default)]
pub(super) struct InFlight {
    state: Mutex<State>,
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: Slab<Pending>,
    closed: bool,
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a batch of at least one record and gives the slot of its tickets, or hands it back when closed.
    pub(super) fn insert(&self, completion: Completion) -> Result<usize, Completion> {
        let records = completion.records();
        let mut state = self.lock();
        if state.closed {
            return Err(completion);
        }
        Ok(state.batches.insert(Pending {
            completion,
            positions: vec![Position::default(); records],
            failures: Vec::new(),
            settled: 0,
            taken: Instant::now(),
            answered: false,
        }))
    }

    pub(super) fn ticket(slot: usize, index: usize) -> Ticket {
        Ticket { slot, index }
    }

    /// Notes one record's fate; with the last one the batch's caller is woken, once.
    /// Says whether the whole batch is now stored.
    pub(super) fn settle(&self, ticket: Ticket, result: Result<Position, RecordFailure>) -> bool {
        let mut state = self.lock();
        let Some(pending) = state.batches.get_mut(ticket.slot) else { return false };
        match result {
            Ok(position) => pending.positions[ticket.index] = position,
            Err(failure) => pending.failures.push((ticket.index, failure)),
        }
        pending.settled += 1;
        if pending.settled < pending.positions.len() {
            return false;
        }
        let pending = state.batches.remove(ticket.slot);
        if state.batches.is_empty() {
            self.emptied.notify_all();
        }
        drop(state);
        let (completion, result) = pending.outcomes();
        let stored = result.is_ok();
        completion.complete(result);
        stored
    }

    /// Answers the callers that have waited `limit`. The records stay charged to the memory until librdkafka lets
    /// go of them. Says whether there were any.
    pub(super) fn answer_overdue(&self, limit: Duration, reason: impl Fn() -> String) -> bool {
        let mut any = false;
        for (_, pending) in &mut self.lock().batches {
            let after = pending.taken.elapsed();
            if after >= limit && !pending.answered {
                pending.answered = true;
                any = true;
                pending.completion.answer_early(DeliveryError::TimedOut { after, reason: reason() });
            }
        }
        any
    }

    /// Takes no more and waits until all are answered; gives how many records are not at the deadline.
    pub(super) fn close(&self, deadline: Duration) -> usize {
        let mut state = self.lock();
        state.closed = true;
        let (mut state, _) = self
            .emptied
            .wait_timeout_while(state, deadline, |state| !state.batches.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let mut unsettled = 0;
        for (_, pending) in &mut state.batches {
            unsettled += pending.positions.len() - pending.settled;
            pending.completion.answer_early(DeliveryError::Closed);
        }
        unsettled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::budget::MemoryBudget;
    use crate::completion::AppendResult;
    use crate::stats::Counters;

    struct Fixture {
        budget: Arc<MemoryBudget>,
        counters: Arc<Counters>,
        in_flight: InFlight,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                budget: MemoryBudget::new(1000),
                counters: Arc::new(Counters::default()),
                in_flight: InFlight::default(),
            }
        }

        fn batch(&self, records: usize) -> (usize, Receiver<AppendResult>) {
            let share = self.budget.try_reserve(100, records).unwrap();
            let (completion, waiter) = Completion::new(share, Arc::clone(&self.counters));
            (self.in_flight.insert(completion).unwrap(), waiter)
        }

        fn settle(&self, slot: usize, index: usize, result: Result<i64, RecordFailure>) {
            let ticket = Ticket::from_opaque(InFlight::ticket(slot, index).to_opaque());
            let position = |offset| Position { partition: 1, offset };
            self.in_flight.settle(ticket, result.map(position));
        }
    }

    fn failure(code: &'static str) -> RecordFailure {
        RecordFailure { code, reason: "as the broker said".to_owned(), retry: true }
    }

    #[test]
    fn a_batch_is_answered_with_its_last_record_and_its_positions_are_in_record_order() {
        let fixture = Fixture::new();
        let (first, mut first_waiter) = fixture.batch(3);
        let (second, mut second_waiter) = fixture.batch(1);
        fixture.settle(first, 2, Ok(12));
        fixture.settle(second, 0, Ok(50));
        fixture.settle(first, 0, Ok(10));
        assert!(second_waiter.try_recv().unwrap().is_ok());
        assert!(first_waiter.try_recv().is_err(), "one record is still on its way");
        fixture.settle(first, 1, Ok(11));
        let Stored::Kafka(positions) = first_waiter.try_recv().unwrap().unwrap().stored else { panic!() };
        assert_eq!(positions.iter().map(|p| p.offset).collect::<Vec<_>>(), [10, 11, 12]);
        assert_eq!(fixture.budget.used_bytes(), 0);
        assert_eq!(fixture.counters.appended_records.get(), 4);
    }

    #[test]
    fn one_failed_record_is_told_apart_from_its_neighbours() {
        let fixture = Fixture::new();
        let (slot, mut waiter) = fixture.batch(2);
        fixture.settle(slot, 1, Err(failure("record_too_large")));
        fixture.settle(slot, 0, Ok(7));
        let Err(DeliveryError::Partial { outcomes }) = waiter.try_recv().unwrap() else { panic!() };
        assert_eq!(outcomes[0], RecordOutcome::Stored(Position { partition: 1, offset: 7 }));
        assert_eq!(outcomes[1], RecordOutcome::Failed(failure("record_too_large")));
        assert_eq!((fixture.counters.appended_records.get(), fixture.counters.failed_records.get()), (1, 1));
    }

    #[test]
    fn an_overdue_caller_is_answered_once_and_its_memory_is_kept_until_the_records_are_let_go() {
        let fixture = Fixture::new();
        let (slot, mut waiter) = fixture.batch(1);
        assert!(!fixture.in_flight.answer_overdue(Duration::from_secs(3600), || "no broker".to_owned()));
        assert!(fixture.in_flight.answer_overdue(Duration::ZERO, || "no broker".to_owned()));
        assert!(!fixture.in_flight.answer_overdue(Duration::ZERO, || "again".to_owned()));
        let error = waiter.try_recv().unwrap().unwrap_err();
        assert_eq!(error.code(), "timed_out");
        assert!(error.to_string().contains("no broker"), "{error}");
        assert_eq!(fixture.budget.used_bytes(), 100);
        fixture.settle(slot, 0, Ok(1));
        assert_eq!(fixture.budget.used_bytes(), 0);
        assert_eq!((fixture.counters.appended_records.get(), fixture.counters.failed_records.get()), (0, 1));
    }

    #[test]
    fn closing_answers_what_is_left_and_takes_nothing_more() {
        let fixture = Fixture::new();
        let (slot, mut waiter) = fixture.batch(3);
        fixture.settle(slot, 0, Ok(1));
        assert_eq!(fixture.in_flight.close(Duration::ZERO), 2);
        assert_eq!(waiter.try_recv().unwrap(), Err(DeliveryError::Closed));
        let share = fixture.budget.try_reserve(1, 1).unwrap();
        let (completion, _waiter) = Completion::new(share, Arc::clone(&fixture.counters));
        assert!(fixture.in_flight.insert(completion).is_err());
    }

    #[test]
    fn a_cancelled_caller_leaks_no_memory() {
        let fixture = Fixture::new();
        let (slot, waiter) = fixture.batch(1);
        drop(waiter);
        fixture.settle(slot, 0, Ok(1));
        assert_eq!(fixture.budget.used_bytes(), 0);
        assert_eq!(fixture.counters.appended_records.get(), 1);
    }
}
