//! The journal as a place where batches are made durable: opens it, hands batches to its writer, closes it.
//! Whether a batch comes here is decided by the delivery.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::database::Database;
use super::job::Job;
use super::lock::WriterLock;
use super::outbox::{Left, Topics};
use super::queue::Queue;
use super::repair::Repair;
use super::retention::Retention;
use super::salvage::{self, Salvaged};
use super::schema::open_error;
use super::scrub::Scrub;
use super::writer::Writer;
use super::{JournalSettings, journal_path, take_directory};
use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::fallback::{Books, Signal};
use crate::readiness::{Health, Readiness};
use crate::record::Batch;
use crate::stats::{Count, JournalStats};
use crate::threads::start;

#[derive(Debug)]
pub(crate) struct JournalSink {
    queue: Arc<Queue>,
    health: Arc<Health>,
    counters: Arc<JournalCounters>,
    max_bytes: u64,
    /// Stops the reading that looks for damage.
    scrub: Arc<Signal>,
    /// Its senders are dropped when the threads have ended.
    ended: Mutex<Receiver<()>>,
}

/// What the writer tells about its file.
#[derive(Debug, Default)]
pub(super) struct JournalCounters {
    pub(super) used_bytes: Count,
    pub(super) wal_bytes: Count,
    pub(super) commits: Count,
    pub(super) expired_rows: Count,
    pub(super) event_rows: Count,
    /// Rows that did not fit their checksum and were set aside.
    pub(super) set_aside_rows: Count,
    /// Rows on pages that cannot be read.
    pub(super) unreadable_rows: Count,
}

/// A journal whose writer has not started.
pub(crate) struct OpenJournal {
    writer: Writer,
    sink: JournalSink,
    alive: Sender<()>,
    data_dir: PathBuf,
    /// What an earlier process left for Kafka.
    pub(crate) left: Left,
}

impl OpenJournal {
    /// Opens or makes the journal. A full disk or a full journal is no error here: it shows in the readiness.
    /// A damaged one that cannot be replaced is one: which rows are to be sent is not known then.
    pub(crate) fn open(data_dir: &Path, settings: &JournalSettings) -> Result<Self, OpenError> {
        let lock = take_directory(data_dir)?;
        let path = journal_path(data_dir);
        let salvaged = salvage::open(&path, settings)?;
        Self::opened(data_dir, settings, lock, salvaged, Repair::new(path, settings.clone()))
    }

    /// The same for a journal that is the store: a damaged one that cannot be replaced refuses everything with the reason.
    fn open_or_refuse(data_dir: &Path, settings: &JournalSettings) -> Result<Self, OpenError> {
        let lock = take_directory(data_dir)?;
        let path = journal_path(data_dir);
        let mut repair = Repair::new(path.clone(), settings.clone());
        let salvaged = match salvage::open(&path, settings) {
            Err(error @ OpenError::DamagedJournal { .. }) => {
                tracing::error!("{error}");
                repair.is_closed_for(error.to_string());
                let database = Database::closed().map_err(|error| open_error(&path, &error))?;
                Salvaged { database, lost: 0 }
            }
            opened => opened?,
        };
        Self::opened(data_dir, settings, lock, salvaged, repair)
    }

    fn opened(
        data_dir: &Path,
        settings: &JournalSettings,
        lock: WriterLock,
        Salvaged { database, lost }: Salvaged,
        repair: Repair,
    ) -> Result<Self, OpenError> {
        let is_closed = repair.closed().is_some();
        let left = if is_closed { Ok(Left::none()) } else { database.left() };
        let left = left.map_err(|error| open_error(&journal_path(data_dir), &error))?;
        let max_bytes = if is_closed { settings.max_bytes } else { database.max_bytes() };
        let queue = Arc::new(Queue::default());
        let health = Arc::new(Health::starting("journal", "the journal is being opened".to_owned()));
        let counters = Arc::new(JournalCounters::default());
        counters.unreadable_rows.set(lost);
        let retention = Retention::new(settings, &left);
        let mut writer = Writer::new(
            database,
            Arc::clone(&queue),
            Arc::clone(&health),
            Arc::clone(&counters),
            retention,
            repair,
            lock,
        );
        writer.probe();
        let (alive, ended) = channel::<()>();
        let (scrub, ended) = (Arc::default(), Mutex::new(ended));
        let sink = JournalSink { queue, health, counters, max_bytes, scrub, ended };
        Ok(Self { writer, sink, alive, data_dir: data_dir.to_owned(), left })
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.sink.queue)
    }

    /// Starts writing; `outbox` is told what becomes of rows on their way to Kafka.
    pub(crate) fn start(self, outbox: Option<(Arc<Books>, Topics)>) -> Result<JournalSink, OpenError> {
        let Self { mut writer, sink, alive, data_dir, .. } = self;
        if outbox.is_some() {
            writer.retention.by_age_alone();
        } else {
            let JournalSink { queue, counters, scrub, .. } = &sink;
            let (queue, counters, stop) = (Arc::clone(queue), Arc::clone(counters), Arc::clone(scrub));
            start("footfall-journal-scrub", alive.clone(), move || {
                Scrub { queue, counters, stop }.run(&data_dir);
            })?;
        }
        writer.outbox = outbox;
        start("footfall-journal", alive, move || writer.run())?;
        Ok(sink)
    }
}

impl JournalSink {
    /// Opens a journal that is the store.
    pub(crate) fn open(data_dir: &Path, settings: &JournalSettings) -> Result<Self, OpenError> {
        let journal = OpenJournal::open_or_refuse(data_dir, settings)?;
        if journal.left.count > 0 {
            tracing::warn!(
                rows = journal.left.count,
                "the journal's outbox holds rows for Kafka, but none is set: they wait until kafka.brokers is set again"
            );
        }
        journal.start(None)
    }

    pub(crate) fn submit(&self, batch: Batch, completion: Completion) {
        if let Err(refused) = self.queue.push(Job::Store { batch, completion }) {
            refused.answer(Err(DeliveryError::Closed));
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.health.readiness()
    }

    pub(crate) fn stats(&self) -> JournalStats {
        JournalStats {
            used_bytes: self.counters.used_bytes.get(),
            max_bytes: self.max_bytes,
            wal_bytes: self.counters.wal_bytes.get(),
            commits: self.counters.commits.get(),
            expired_rows: self.counters.expired_rows.get(),
            event_rows: self.counters.event_rows.get(),
            damaged_rows: self.counters.set_aside_rows.get() + self.counters.unreadable_rows.get(),
        }
    }

    /// Takes no more and writes what waits; `false` if that was not over at the deadline.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        self.queue.close();
        self.scrub.stop();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(ended.recv_timeout(deadline), Err(RecvTimeoutError::Disconnected))
    }
}

impl Drop for JournalSink {
    /// The file and its lock are free once this returns, unless the disk hangs.
    fn drop(&mut self) {
        if !self.close(Duration::from_secs(10)) {
            tracing::warn!("the journal's writer was left behind: its disk has not answered for 10 s");
        }
    }
}
