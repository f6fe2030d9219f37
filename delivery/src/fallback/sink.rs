//! Opens journal and producer with the threads around them, and stops them within a deadline.
//! What a batch goes through stands in `gate`.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::books::Books;
use super::core::{Core, Limits};
use super::drain::Drain;
use super::gate::Shared;
use super::pacer::join_rows;
use super::phase::KafkaState;
use super::reports;
use super::rows::Rows;
use super::watch::Watch;
use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::OpenError;
use crate::journal::{JournalSettings, OpenJournal, Topics};
use crate::kafka::{KafkaSettings, Producer};
use crate::readiness::Readiness;
use crate::record::Batch;
use crate::stats::{Counters, FallbackStats, JournalStats};
use crate::threads::start;

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
            join_rows: join_rows(kafka.drain_max_rate),
        };
        let rows = Rows::left(&opened.left.rows, opened.left.count);
        let books = Arc::new(Books::new(Core::new(limits, rows), opened.queue()));
        let producer = Producer::open(kafka, memory_max_bytes, None, Arc::clone(&books) as _)?;
        books.core().batch_bytes = producer.batch_max_bytes();
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
        reports::take(shared, alive.clone())?;
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
        let stats = self.shared.journal.stats();
        let damaged_rows = stats.damaged_rows + self.shared.books.core().totals.damaged;
        JournalStats { damaged_rows, ..stats }
    }

    pub(crate) fn stats(&self) -> FallbackStats {
        let now = self.shared.books.now();
        let core = self.shared.books.core();
        let totals = core.totals;
        FallbackStats {
            state: core.phase.state(),
            lasted: core.phase.lasted(now),
            changes: core.phase.changes(),
            oldest_unacknowledged: core.oldest().map(|taken| now.saturating_sub(taken)).unwrap_or_default(),
            waiting_rows: core.rows.waiting(),
            drained_records: totals.drained,
            late_acknowledgements: totals.late,
            possible_duplicates: totals.possible_duplicates,
            set_aside_records: totals.set_aside,
            lost_records: 0,
            committed_transactions: self.shared.books.transactions[0].get(),
            aborted_transactions: self.shared.books.transactions[1].get(),
            producer: self.shared.books.statistics.get(),
        }
    }

    /// An acknowledgement of Kafka is waited for no longer than this, before the journal takes over.
    pub(crate) fn hurry(&self, patience: Duration) {
        self.shared.books.core().phase.hurry(patience);
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
        books.reported.notify_one();
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
