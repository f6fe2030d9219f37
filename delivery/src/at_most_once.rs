//! Records that are answered as soon as the producer holds them: no journal, one attempt, and what is lost is counted.
//! The memory bound holds until Kafka has spoken, so that more than it bears is refused and not lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use slab::Slab;

use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::fallback::{KafkaState, Signal, Ticket};
use crate::journal::WriterLock;
use crate::kafka::{
    KafkaSettings, LastStatistics, POLL, Probe, Producer, Refused, Report, Reports, Statistics,
    take_over_files,
};
use crate::readiness::{Health, Readiness};
use crate::receipt::{Position, Receipt, Stored};
use crate::record::Batch;
use crate::stats::{Count, FallbackStats};
use crate::threads::start;

/// How often topics that take records are looked at, and those that do not. Readiness hangs on nothing else here and is
/// right within 3 s: a broker counts as silent after 2, and one that is back is connected to within about one.
const READY_INTERVAL: Duration = Duration::from_millis(500);
const NOT_READY_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct AtMostOnceSink {
    shared: Arc<Shared>,
    /// Its senders are dropped as the threads end.
    ended: Mutex<Receiver<()>>,
    /// Nobody else uses it meanwhile.
    _directory: WriterLock,
}

struct Shared {
    producer: RwLock<Arc<Producer>>,
    books: Arc<Books>,
    kafka: KafkaSettings,
    memory_max_bytes: usize,
}

/// What the producer holds, and what came of the rest.
struct Books {
    flights: Mutex<Slab<Flight>>,
    health: Health,
    lost: Count,
    /// One line in the log for losses that go on.
    losing: AtomicBool,
    opened: Instant,
    changed_ms: AtomicU64,
    changes: Count,
    closed: AtomicBool,
    look: Signal,
    statistics: LastStatistics,
    last_error: Mutex<Option<String>>,
}

struct Flight {
    left: usize,
    taken: Instant,
    /// Answered already; it holds the memory.
    _completion: Completion,
}

impl AtMostOnceSink {
    /// Makes the producer. Brokers that are away are no error.
    pub(crate) fn open(
        kafka: &KafkaSettings,
        memory_max_bytes: usize,
        directory: WriterLock,
    ) -> Result<Self, OpenError> {
        let cause = format!("no answer yet from the Kafka brokers at {}", kafka.brokers.join(", "));
        let books = Arc::new(Books {
            flights: Mutex::default(),
            health: Health::starting("kafka", cause),
            lost: Count::default(),
            losing: AtomicBool::new(false),
            opened: Instant::now(),
            changed_ms: AtomicU64::new(0),
            changes: Count::default(),
            closed: AtomicBool::new(false),
            look: Signal::default(),
            statistics: LastStatistics::default(),
            last_error: Mutex::new(None),
        });
        let producer = Producer::open(kafka, memory_max_bytes, None, Arc::clone(&books) as _)?;
        let shared = Arc::new(Shared {
            producer: RwLock::new(Arc::new(producer)),
            books,
            kafka: kafka.clone(),
            memory_max_bytes,
        });
        let (alive, ended) = channel();
        let sink = Self { shared: Arc::clone(&shared), ended: Mutex::new(ended), _directory: directory };
        let polled = Arc::clone(&shared);
        start("footfall-kafka-poll", Sender::clone(&alive), move || polled.poll())?;
        start("footfall-kafka-watch", alive, move || shared.watch())?;
        Ok(sink)
    }

    /// Answers at once, whatever becomes of the records.
    pub(crate) fn submit(&self, batch: Batch, mut completion: Completion) {
        let Shared { books, .. } = self.shared.as_ref();
        if books.closed.load(Ordering::Acquire) {
            return completion.complete(Err(DeliveryError::Closed));
        }
        completion.answer_early(Ok(Receipt::now(Stored::Memory)));
        let flight = Flight { left: batch.len(), taken: Instant::now(), _completion: completion };
        let slot = books.flights().insert(flight);
        let first = Ticket { slot, index: 0 }.to_opaque();
        let refused = |opaque, refused| books.settle(opaque, Err(refused));
        self.shared.producing().send(&Arc::new(batch), first, refused);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.shared.books.health.readiness()
    }

    pub(crate) fn stats(&self) -> FallbackStats {
        let books = &self.shared.books;
        let changed = Duration::from_millis(books.changed_ms.load(Ordering::Relaxed));
        let oldest = books.flights().iter().map(|(_, flight)| flight.taken).min();
        FallbackStats {
            state: if books.health.is_ready() { KafkaState::Healthy } else { KafkaState::Away },
            lasted: books.opened.elapsed().saturating_sub(changed),
            changes: books.changes.get(),
            oldest_unacknowledged: oldest.map(|taken| taken.elapsed()).unwrap_or_default(),
            lost_records: books.lost.get(),
            producer: books.statistics.get(),
            ..FallbackStats::default()
        }
    }

    /// Takes no more and waits for Kafka's word on what was taken; `false` if the deadline came first, and that is lost.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        let books = &self.shared.books;
        books.closed.store(true, Ordering::Release);
        while !books.flights().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let left: usize = books.flights().iter().map(|(_, flight)| flight.left).sum();
        books.look.stop();
        books.health.end("the delivery is closed");
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = ended.recv_timeout(until.saturating_duration_since(Instant::now()) + 4 * POLL);
        if !matches!(ended, Err(RecvTimeoutError::Disconnected)) {
            tracing::debug!("a thread still waits for an answer of Kafka");
        }
        left == 0
    }
}

impl Drop for AtMostOnceSink {
    /// The threads end by themselves; the last of them drops the producer, which counts what it gives up.
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

impl Shared {
    fn producing(&self) -> Arc<Producer> {
        Arc::clone(&self.producer.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn poll(&self) {
        while !self.books.look.is_stopped() {
            self.producing().poll(POLL);
        }
    }

    /// Looks whether the topics take records, for whoever asks whether this server should be sent any.
    fn watch(&self) {
        let probe = Probe::new(self.kafka.clone());
        loop {
            let looked = self.take_over_files().and_then(|()| {
                let last_error = self.books.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
                probe.look(&self.producing(), last_error)
            });
            if self.books.look.is_stopped() {
                return;
            }
            let was_ready = self.books.health.is_ready();
            let wait = match looked {
                Ok(()) => {
                    self.books.health.set_ready();
                    READY_INTERVAL
                }
                Err(reason) => {
                    let words = "without a journal what comes now is lost where it lasts longer than kafka.request_timeout";
                    self.books.health.set_not_ready(format!("{reason}; {words}"));
                    NOT_READY_INTERVAL
                }
            };
            if was_ready != self.books.health.is_ready() {
                let now = u64::try_from(self.books.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.books.changed_ms.store(now, Ordering::Relaxed);
                self.books.changes.add(1);
            }
            if !self.books.look.wait(wait) {
                return;
            }
        }
    }

    fn take_over_files(&self) -> Result<(), String> {
        let is_outdated = !self.books.health.is_ready() && self.producing().is_outdated(&self.kafka);
        take_over_files(is_outdated, || self.renew()).map(drop)
    }

    fn renew(&self) -> Result<(), OpenError> {
        let reports = Arc::clone(&self.books) as _;
        let made = Producer::open(&self.kafka, self.memory_max_bytes, None, reports)?;
        let before = {
            let mut producer = self.producer.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *producer, Arc::new(made))
        };
        // It reports what it holds as given up.
        drop(before);
        Ok(())
    }
}

impl Books {
    fn flights(&self) -> MutexGuard<'_, Slab<Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the fate of one record.
    fn settle(&self, opaque: usize, fate: Result<Position, Refused>) {
        match fate {
            Ok(_) => self.losing.store(false, Ordering::Relaxed),
            Err(Refused::Record(failure) | Refused::TooLarge(failure) | Refused::GivenUp { failure, .. }) => {
                self.lost.add(1);
                if !self.losing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        code = failure.code,
                        "events are lost, as at-most-once allows: {}",
                        failure.reason
                    );
                }
            }
        }
        let Ticket { slot, .. } = Ticket::from_opaque(opaque);
        let mut flights = self.flights();
        let Some(flight) = flights.get_mut(slot) else { return };
        flight.left -= 1;
        if flight.left == 0 {
            flights.remove(slot);
        }
    }
}

impl Reports for Books {
    fn settled(&self, told: &mut dyn Iterator<Item = Report>) {
        for Report { opaque, fate } in told {
            self.settle(opaque, fate);
        }
    }

    fn connection_failed(&self, reason: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    fn statistics(&self, told: &Statistics) {
        self.statistics.note(told);
    }

    fn all_brokers_down(&self) {
        self.look.set();
    }
}
