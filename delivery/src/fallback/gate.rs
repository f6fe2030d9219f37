//! The gate under which batches come in and the state changes, so that what comes after a change finds it.
//! It is shared by callers that produce, and taken alone for a change; the core's lock is always taken within it.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::books::Books;
use super::core::{Admitted, Opened};
use super::phase::KafkaState;
use super::ticket::Ticket;
use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::journal::{Job, JournalSink};
use crate::kafka::{KafkaSettings, Producer, Report, Reports as _};
use crate::readiness::Readiness;
use crate::record::{Batch, Priority};
use crate::stats::{Counters, JournalStats};

/// What the threads share.
pub(super) struct Shared {
    pub(super) gate: RwLock<Arc<Producer>>,
    pub(super) books: Arc<Books>,
    pub(super) journal: JournalSink,
    pub(super) kafka: KafkaSettings,
    pub(super) memory_max_bytes: usize,
    pub(super) budget: Arc<MemoryBudget>,
    pub(super) counters: Arc<Counters>,
    pub(super) reserve_bytes: u64,
    /// Why Kafka is not used now, for probes.
    pub(super) cause: Mutex<String>,
}

impl Shared {
    /// The producer, for as long as nothing may change.
    pub(super) fn producing(&self) -> RwLockReadGuard<'_, Arc<Producer>> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody produces while this is held.
    pub(super) fn change(&self) -> RwLockWriteGuard<'_, Arc<Producer>> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn submit(&self, batch: Arc<Batch>, completion: Completion) {
        let producer = self.producing();
        let now = self.books.now();
        let admitted = self.books.core().admit(now, &batch, completion);
        match admitted {
            Admitted::Produce(slot) => self.produce(&producer, slot, &batch),
            Admitted::Journal(completion) => self.to_journal(batch, completion),
            Admitted::Parked => self.books.drain.set(),
            Admitted::Closed(completion) => completion.complete(Err(DeliveryError::Closed)),
        }
    }

    /// Hands every record to the producer, within the gate.
    pub(super) fn produce(&self, producer: &Producer, slot: usize, batch: &Arc<Batch>) {
        // A record's number in its batch is the low part of its ticket.
        let first = Ticket { slot, index: 0 }.to_opaque();
        match producer.transactions() {
            Some(transactions) => transactions.hand_over(first, Arc::clone(batch)),
            None => producer.send(batch, first, |opaque, refused| {
                self.books.settled(&mut std::iter::once(Report { opaque, fate: Err(refused) }));
            }),
        }
    }

    /// A batch that came while Kafka is away. A share of the journal is kept for key events and for copies.
    fn to_journal(&self, batch: Arc<Batch>, completion: Completion) {
        let job = Job::Outbox { batch, completion };
        if let Some(reason) = self.lacks_room(&job) {
            let error = DeliveryError::JournalFull { reason };
            self.books.job_failed(&job, &error);
            return job.answer(Err(error));
        }
        self.books.push(job);
    }

    fn lacks_room(&self, job: &Job) -> Option<String> {
        let Job::Outbox { batch, .. } = job else { return None };
        let is_key = batch.records().iter().any(|record| record.priority == Priority::Key);
        self.reserve_is_reached().filter(|_| !is_key)
    }

    fn reserve_is_reached(&self) -> Option<String> {
        let JournalStats { used_bytes, max_bytes, .. } = self.journal.stats();
        (used_bytes > max_bytes.saturating_sub(self.reserve_bytes)).then(|| {
            format!(
                "it holds {used_bytes} of at most {max_bytes} bytes, and the last {} are kept for key events",
                self.reserve_bytes
            )
        })
    }

    /// Opens the breaker: new batches go to the journal, behind copies of what the producer holds.
    pub(super) fn open(&self, reason: &str) {
        let gate = self.change();
        let now = self.books.now();
        let mut core = self.books.core();
        let (before, lasted) = (core.phase.state(), core.phase.lasted(now));
        let Opened { copies, parked } = core.open(now);
        drop(core);
        let copied = copies.len();
        copies.into_iter().for_each(|job| self.books.push(Job::Copy(job)));
        parked.into_iter().for_each(|(batch, completion)| self.to_journal(batch, completion));
        drop(gate);
        let words =
            self.books.last_error().map_or_else(|| reason.to_owned(), |last| format!("{reason}; {last}"));
        self.set_cause(words.clone());
        if before != KafkaState::Away {
            tracing::warn!(
                "Kafka is given up for now after {:.0} s as {}: {words}. Events go to the journal; {copied} batches in flight \
                 are copied there",
                lasted.as_secs_f64(),
                before.as_str(),
            );
        }
        self.books.look.set();
    }

    /// Opens the breaker where it must be open.
    pub(super) fn open_if_due(&self) {
        let due = self.books.core().trip(self.books.now());
        if let Some(reason) = due {
            self.open(&reason);
        }
    }

    pub(super) fn set_cause(&self, words: String) {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    /// Batches that waited for the last rows go to the journal after all.
    pub(super) fn leave_join(&self) {
        let _gate = self.change();
        let parked = self.books.core().leave_join();
        parked.into_iter().for_each(|(batch, completion)| self.to_journal(batch, completion));
    }

    /// New batches go to the producer again, behind those that waited for it.
    pub(super) fn finish(&self) {
        let gate = self.change();
        let now = self.books.now();
        let mut core = self.books.core();
        let lasted = core.phase.lasted(now);
        let Some(parked) = core.finish(now) else { return };
        drop(core);
        for (slot, batch) in parked {
            self.produce(&gate, slot, &batch);
        }
        drop(gate);
        tracing::info!(
            "Kafka has everything that waited, {:.1} s after it was found: events go to it",
            lasted.as_secs_f64()
        );
    }

    /// Replaces the producer; the one before reports what it holds as given up.
    pub(super) fn renew(&self, batch_max_bytes: Option<usize>) -> Result<(), OpenError> {
        let reports = Arc::clone(&self.books) as _;
        let producer = Producer::open(&self.kafka, self.memory_max_bytes, batch_max_bytes, reports)?;
        let batch_bytes = producer.batch_max_bytes();
        let before = {
            let mut gate = self.change();
            self.books.core().batch_bytes = batch_bytes;
            std::mem::replace(&mut *gate, Arc::new(producer))
        };
        drop(before);
        Ok(())
    }

    pub(super) fn readiness(&self) -> Readiness {
        if self.books.look.is_stopped() {
            return Readiness::NotReady { reason: "the delivery is closed".to_owned() };
        }
        if self.books.core().phase.state() == KafkaState::Healthy {
            return Readiness::Ready;
        }
        let journal = match self.journal.readiness() {
            Readiness::Ready => {
                self.reserve_is_reached().map(|reason| format!("the journal is full: {reason}"))
            }
            Readiness::NotReady { reason } => Some(reason),
        };
        let Some(journal) = journal else { return Readiness::Ready };
        let kafka = self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Readiness::NotReady { reason: format!("Kafka is not used now ({kafka}), and {journal}") }
    }
}
