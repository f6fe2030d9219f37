//! Where batches come in and where the state changes: both under one gate, so that what comes after a change finds it.
//! The gate is shared by callers that produce, and taken alone for a change; the core's lock is always taken within it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::books::Books;
use super::core::{Admitted, Core, Limits, Opened};
use super::drain::Drain;
use super::phase::KafkaState;
use super::rows::Rows;
use super::ticket::Ticket;
use super::watch::Watch;
use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::journal::{Job, JournalSettings, JournalSink, OpenJournal, Topics};
use crate::kafka::{KafkaSettings, Producer};
use crate::readiness::Readiness;
use crate::record::{Batch, Priority};
use crate::stats::{Counters, FallbackStats, JournalStats};

/// How often it is looked whether the breaker is due.
const TICK: Duration = Duration::from_millis(50);

/// What a stop leaves for the journal, of the time that it has.
const JOURNAL_SHARE: u32 = 4;

/// Everything that is needed to open.
pub(crate) struct FallbackSettings<'a> {
    pub(crate) data_dir: PathBuf,
    pub(crate) journal: &'a JournalSettings,
    pub(crate) kafka: &'a KafkaSettings,
    pub(crate) memory_max_bytes: usize,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) counters: Arc<Counters>,
}

pub(crate) struct FallbackSink {
    shared: Arc<Shared>,
    /// Its senders are dropped as the threads end.
    ended: Mutex<Receiver<()>>,
}

/// What the threads share.
pub(super) struct Shared {
    gate: RwLock<Arc<Producer>>,
    pub(super) books: Arc<Books>,
    pub(super) journal: JournalSink,
    pub(super) kafka: KafkaSettings,
    pub(super) memory_max_bytes: usize,
    pub(super) budget: Arc<MemoryBudget>,
    pub(super) counters: Arc<Counters>,
    reserve_bytes: u64,
    /// Why Kafka is not used now, for probes.
    cause: Mutex<String>,
}

impl FallbackSink {
    /// Opens the journal and makes the producer. Brokers that are away are no error, nor is a disk that is full.
    pub(crate) fn open(settings: FallbackSettings<'_>) -> Result<Self, OpenError> {
        let FallbackSettings { data_dir, journal, kafka, memory_max_bytes, budget, counters } = settings;
        let reserve_bytes = journal.max_bytes / 100 * u64::from(journal.reserve_percent);
        let opened = OpenJournal::open(&data_dir, journal)?;
        let limits = Limits {
            slow_after: kafka.slow_after,
            in_flight_bytes: memory_max_bytes / 2,
            drain_bytes: memory_max_bytes / 4,
        };
        let rows = Rows::left(&opened.left.rows, opened.left.count);
        let books = Arc::new(Books::new(Core::new(limits, rows), opened.queue()));
        let producer = Producer::open(kafka, memory_max_bytes, None, Arc::clone(&books) as _)?;
        books.core().batch_bytes = producer.batch_max_bytes();
        books.core().totals.damaged = opened.lost;
        let (left, waiting) = (opened.left.rows.clone(), opened.left.count);
        let topics = Topics { events: kafka.topic.clone(), dead_letters: kafka.dead_letter_topic() };
        let journal = opened.start(Some((Arc::clone(&books), topics)))?;
        let cause = format!("no answer yet from the Kafka brokers at {}", kafka.brokers.join(", "));
        let shared = Arc::new(Shared {
            gate: RwLock::new(Arc::new(producer)),
            books,
            journal,
            kafka: kafka.clone(),
            memory_max_bytes,
            budget,
            counters,
            reserve_bytes,
            cause: Mutex::new(cause),
        });
        let (alive, ended) = channel();
        let sink = Self { shared: Arc::clone(&shared), ended: Mutex::new(ended) };
        let watch = Watch::new(Arc::clone(&shared), data_dir.clone(), (waiting > 0).then_some(left));
        let drain = Drain::new(Arc::clone(&shared), data_dir);
        start("footfall-kafka-poll", alive.clone(), move || poll(&shared))?;
        start("footfall-kafka-watch", alive.clone(), move || watch.run())?;
        start("footfall-kafka-drain", alive, move || drain.run())?;
        Ok(sink)
    }

    /// Takes the batch without blocking; its fate is told through the completion, exactly once.
    pub(crate) fn submit(&self, batch: Batch, completion: Completion) {
        self.shared.submit(Arc::new(batch), completion);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.shared.readiness()
    }

    pub(crate) fn journal_stats(&self) -> JournalStats {
        self.shared.journal.stats()
    }

    pub(crate) fn stats(&self) -> FallbackStats {
        let now = self.shared.books.now();
        let core = self.shared.books.core();
        let totals = core.totals;
        FallbackStats {
            state: core.phase.state(),
            changes: core.phase.changes(),
            oldest_unacknowledged: core.oldest().map(|taken| now.saturating_sub(taken)).unwrap_or_default(),
            waiting_rows: core.rows.waiting(),
            drained_records: totals.drained,
            late_acknowledgements: totals.late,
            possible_duplicates: totals.possible_duplicates,
            set_aside_records: totals.set_aside,
            damaged_rows: totals.damaged,
        }
    }

    /// Takes no more, and waits until what was taken is answered: by Kafka, or by the journal where Kafka is too slow
    /// for the deadline. `false` if something was left.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        let Shared { books, .. } = self.shared.as_ref();
        let until = Instant::now() + deadline;
        let for_kafka =
            Instant::now() + (deadline - deadline / JOURNAL_SHARE).min(self.shared.kafka.slow_after);
        {
            let _gate = self.shared.change();
            books.core().close();
        }
        // What Kafka is about to acknowledge needs no row.
        while Instant::now() < for_kafka
            && books.core().in_flight() > 0
            && books.core().phase.state() != KafkaState::Away
        {
            thread::sleep(Duration::from_millis(2));
        }
        if books.core().unanswered() > 0 || books.core().phase.is_joining() {
            self.shared.open("the server stops before Kafka has acknowledged everything");
        }
        books.look.stop();
        books.drain.stop();
        let journaled = self.shared.journal.close(until.saturating_duration_since(Instant::now()));
        let left = books.core().unanswered();
        books.core().abandon();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended =
            ended.recv_timeout(until.saturating_duration_since(Instant::now()) + Duration::from_millis(200));
        if !matches!(ended, Err(RecvTimeoutError::Disconnected)) {
            tracing::debug!("a thread still waits for an answer of Kafka");
        }
        journaled && left == 0
    }
}

impl Drop for FallbackSink {
    /// The threads end by themselves; the last of them drops the producer.
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
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

    fn submit(&self, batch: Arc<Batch>, completion: Completion) {
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
    pub(super) fn produce(&self, producer: &Producer, slot: usize, batch: &Batch) {
        for (index, record) in batch.records().iter().enumerate() {
            let ticket = Ticket { slot, index };
            if let Err(refused) = producer.send(batch.stream(), record, ticket.to_opaque()) {
                self.books.settle(ticket, Err(refused));
            }
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

    fn readiness(&self) -> Readiness {
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

/// Takes the producer's reports and opens the breaker when it is due, until the rest is over.
fn poll(shared: &Shared) {
    let _last = Unattended { books: &shared.books };
    while !shared.books.look.is_stopped() {
        let producer = Arc::clone(&shared.producing());
        producer.poll(TICK);
        if shared.books.core().batches_too_large {
            // What stands behind the refused ones would overtake them.
            producer.take_back();
        }
        drop(producer);
        let due = shared.books.core().trip(shared.books.now());
        if let Some(reason) = due {
            shared.open(&reason);
        }
    }
}

/// However the polling ends, nobody is left waiting for a report that no one reads.
struct Unattended<'a> {
    books: &'a Books,
}

impl Drop for Unattended<'_> {
    fn drop(&mut self) {
        self.books.look.stop();
        self.books.drain.stop();
        self.books.core().abandon();
    }
}

fn start(
    name: &'static str,
    alive: Sender<()>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), OpenError> {
    let work = move || {
        work();
        drop(alive);
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|source| OpenError::Thread { name, source })
}
