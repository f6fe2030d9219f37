//! Produces in transactions: what waits goes into one together, and the fate of its records is told once that is committed, or
//! surely is not. Which batches come here, and what becomes of those that come back, is decided in `fallback`.
//!
//! One thread sends and commits. What comes meanwhile waits for the next transaction, so that the slower a commit is, the
//! more share it. After an abort everything is given back, and what comes is too, until [`Transactions::resume`]: else what
//! stood behind the aborted records would overtake them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer as _, PurgeConfig};

use super::commit::{NotCommitted, commit};
use super::context::Reports;
use super::failure::Refused;
use super::held::Held;
use super::producer::Sender;
use crate::error::OpenError;
use crate::receipt::RecordFailure;
use crate::record::Batch;

const THREAD: &str = "footfall-kafka-commit";

/// What one transaction takes at most, so that the first batch of a long queue is not answered last.
const GROUP_BYTES: usize = 8 << 20;

/// How long one call may block before it is looked whether all of this ends.
const SLICE: Duration = Duration::from_millis(200);

/// How long the brokers may take to end what a producer before this one left open.
const INIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the reports of a producer that has ended are waited for.
const LAST_REPORTS: Duration = Duration::from_secs(5);

pub(crate) struct Transactions {
    queue: Arc<Queue>,
    sender: Arc<Sender>,
    initialised: Mutex<bool>,
    thread: Option<JoinHandle<()>>,
}

/// A batch; its first record's number for reports, which the others' follow.
type Handed = (usize, Arc<Batch>);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    reports: Arc<dyn Reports>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Handed>,
    waiting_bytes: usize,
    halted: bool,
    closed: bool,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Committed,
    Aborted,
    /// The producer ended, or was ended, before it was told: the transaction may be committed all the same.
    Unknown,
}

impl Transactions {
    /// Starts the thread. Reports of `sender` must come through `held`, and it must be polled elsewhere.
    pub(super) fn start(
        sender: Arc<Sender>,
        held: Arc<Held>,
        reports: Arc<dyn Reports>,
        linger: Duration,
    ) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), reports });
        let work = Work { queue: Arc::clone(&queue), sender: Arc::clone(&sender), held, linger };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || work.run())
            .map_err(|source| OpenError::Thread { name: THREAD, source })?;
        Ok(Self { queue, sender, initialised: Mutex::new(false), thread: Some(thread) })
    }

    /// Ends what an earlier producer with the same transactional id left open, and fences it. Done once; until then
    /// nothing can be handed over, and what stands in the topic may still change.
    ///
    /// # Errors
    ///
    /// Why the brokers do not, in words; it can be tried again.
    pub(crate) fn initialise(&self) -> Result<(), String> {
        let mut initialised = self.initialised.lock().unwrap_or_else(PoisonError::into_inner);
        if !*initialised {
            self.sender.inner.init_transactions(INIT_TIMEOUT).map_err(|error| {
                format!(
                    "the transactional id cannot be used (it needs the rights Write and Describe): {error}"
                )
            })?;
            *initialised = true;
        }
        Ok(())
    }

    /// Takes a batch for the next transaction, without blocking.
    pub(crate) fn hand_over(&self, first: usize, batch: Arc<Batch>) {
        let mut state = self.queue.lock();
        if state.halted || state.closed {
            drop(state);
            return self.queue.give_back(&(first, batch));
        }
        state.waiting_bytes += batch.size_bytes();
        state.waiting.push_back((first, batch));
        drop(state);
        self.queue.changed.notify_one();
    }

    /// Gives back what waits, and what comes.
    pub(crate) fn halt(&self) {
        self.queue.halt();
    }

    /// Takes batches again.
    pub(crate) fn resume(&self) {
        self.queue.lock().halted = false;
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic, if there was one, has been printed.
            let _ = thread.join();
        }
        self.queue.halt();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for a batch and a little for company; empty once closed.
    fn take(&self, linger: Duration) -> Vec<Handed> {
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

    /// Whether something waited.
    fn halt(&self) -> bool {
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
        for number in *first..first + batch.len() {
            self.reports.settled(number, Err(given_up(false)));
        }
    }
}

struct Work {
    queue: Arc<Queue>,
    sender: Arc<Sender>,
    held: Arc<Held>,
    linger: Duration,
}

impl Work {
    fn run(self) {
        while !self.queue.is_closed() {
            let group = self.queue.take(self.linger);
            if !group.is_empty() {
                self.transact(&group);
            }
        }
    }

    /// One transaction, from its begin to the word about each of its records.
    fn transact(&self, group: &[Handed]) {
        let numbers: Vec<usize> =
            group.iter().flat_map(|(first, batch)| *first..first + batch.len()).collect();
        let end = match self.sender.inner.begin_transaction() {
            Ok(()) => {
                self.held.begin(numbers.len());
                self.send(group);
                self.end()
            }
            Err(error) => {
                tracing::debug!("a transaction could not begin: {error}");
                // Nothing was sent.
                End::Aborted
            }
        };
        let fates = self.held.take();
        self.queue.reports.transaction_ended(end == End::Committed);
        // First, so that nothing that comes from here on overtakes what is given back.
        let mut gave_back = end != End::Committed && self.queue.halt();
        for (place, number) in numbers.into_iter().enumerate() {
            let told = fates.get(place).cloned().flatten();
            let fate = match (end, told) {
                // One that is the record's own fault holds however the transaction ended.
                (_, Some(Err(refused @ (Refused::Record(_) | Refused::TooLarge(_))))) => Err(refused),
                (End::Committed, Some(fate)) => fate,
                (End::Aborted, _) => Err(given_up(false)),
                (End::Committed | End::Unknown, _) => Err(given_up(true)),
            };
            gave_back |= matches!(fate, Err(Refused::GivenUp { .. }));
            self.queue.reports.settled(number, fate);
        }
        if end == End::Aborted && !gave_back {
            // It held nothing but what Kafka refuses for good: nobody comes back from the journal to resume.
            self.queue.lock().halted = false;
        }
    }

    fn send(&self, group: &[Handed]) {
        let first = self.held.first_number();
        let records = group.iter().flat_map(|(_, batch)| batch.records().iter().map(|r| (batch.stream(), r)));
        for (place, (stream, record)) in records.enumerate() {
            if let Err(refused) = self.sender.send(stream, record, first + place) {
                self.held.refused_at_once(place, refused);
            }
        }
    }

    /// Commits once every record has its report, or aborts.
    fn end(&self) -> End {
        if self.held.has_failed() {
            return self.abort();
        }
        loop {
            match commit(&self.sender.inner, SLICE) {
                Ok(()) => return End::Committed,
                Err(NotCommitted::Abort(words)) => {
                    tracing::debug!("a transaction must be aborted: {words}");
                    return self.abort();
                }
                Err(NotCommitted::Ended(words)) => {
                    tracing::debug!("a transaction could not be committed: {words}");
                    return self.ended();
                }
                Err(NotCommitted::Yet(words)) => tracing::trace!("a commit is asked for again: {words}"),
            }
            if self.queue.is_closed() {
                return End::Unknown;
            }
        }
    }

    /// Once this is `Aborted`, nobody who reads what is committed will ever see the records.
    fn abort(&self) -> End {
        loop {
            match self.sender.inner.abort_transaction(SLICE) {
                Ok(()) => return End::Aborted,
                Err(KafkaError::Transaction(error)) if !error.is_retriable() => {
                    tracing::debug!("a transaction could not be aborted: {error}");
                    return self.ended();
                }
                Err(error) => tracing::trace!("an abort is asked for again: {error}"),
            }
            if self.queue.is_closed() {
                return End::Unknown;
            }
        }
    }

    /// The producer is over; its last reports say which records were refused for a cause of their own.
    fn ended(&self) -> End {
        self.sender.inner.purge(PurgeConfig::default().queue().inflight());
        let until = Instant::now() + LAST_REPORTS;
        while !self.held.wait(SLICE) && !self.queue.is_closed() && Instant::now() < until {}
        End::Unknown
    }
}

fn given_up(possibly_stored: bool) -> Refused {
    let reason = match possibly_stored {
        true => "nobody knows whether its transaction was committed",
        false => "its transaction was aborted",
    };
    let failure = RecordFailure { code: "transaction_aborted", reason: reason.to_owned(), retry: true };
    Refused::GivenUp { failure, possibly_stored }
}
