//! What waits for the next transaction, in order, and what comes while none may begin: that is given back at once.
//! It is bounded by the memory that its batches were charged for.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kafka::context::{Report, Reports};
use crate::kafka::failure::Refused;
use crate::receipt::RecordFailure;
use crate::record::Batch;

/// What one transaction takes at most, so that the first batch of a long queue is not answered last.
const GROUP_BYTES: usize = 8 << 20;

/// A batch; its first record's number for reports, which the others' follow.
pub(super) type Handed = (usize, Arc<Batch>);

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    pub(super) reports: Arc<dyn Reports>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Handed>,
    waiting_bytes: usize,
    halted: bool,
    closed: bool,
    /// A transaction could be neither committed nor aborted: this producer is of no more use.
    broken: bool,
}

impl Queue {
    pub(super) fn new(reports: Arc<dyn Reports>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), reports }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch, without blocking.
    pub(super) fn push(&self, handed: Handed) {
        let mut state = self.lock();
        if state.halted || state.closed {
            drop(state);
            return self.give_back(&handed);
        }
        state.waiting_bytes += handed.1.size_bytes();
        state.waiting.push_back(handed);
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn resume(&self) {
        self.lock().halted = false;
    }

    pub(super) fn set_broken(&self) {
        self.lock().broken = true;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.lock().broken
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for a batch and a little for company; empty once closed.
    pub(super) fn take(&self, linger: Duration) -> Vec<Handed> {
        let state = self.lock();
        let nothing = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let state = self.changed.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner);
        let room = |state: &mut State| state.waiting_bytes < GROUP_BYTES && !state.closed && !state.halted;
        let waited = self.changed.wait_timeout_while(state, linger, room);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut group = Vec::new();
        let mut bytes = 0;
        while !state.closed
            && bytes < GROUP_BYTES
            && let Some(handed) = state.waiting.pop_front()
        {
            bytes += handed.1.size_bytes();
            group.push(handed);
        }
        state.waiting_bytes -= bytes.min(state.waiting_bytes);
        group
    }

    /// Gives back what waits, and from here on what comes; tells whether something waited.
    pub(super) fn halt(&self) -> bool {
        let mut state = self.lock();
        state.halted = true;
        state.waiting_bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.iter().for_each(|handed| self.give_back(handed));
        !waiting.is_empty()
    }

    /// It was never sent.
    fn give_back(&self, (first, batch): &Handed) {
        let numbers = *first..first + batch.len();
        self.reports.settled(&mut numbers.map(|opaque| Report { opaque, fate: Err(given_up(false)) }));
    }
}

/// Why a record comes back from a transaction.
pub(super) fn given_up(possibly_stored: bool) -> Refused {
    let reason = match possibly_stored {
        true => "nobody knows whether its transaction was committed",
        false => "its transaction was aborted",
    };
    let failure = RecordFailure { code: "transaction_aborted", reason: reason.to_owned(), retry: true };
    Refused::GivenUp { failure, possibly_stored }
}
