//! The journal's one writing thread: takes what waits, commits it, wakes each batch once, probes while it cannot.
//! The file itself is `database`'s, the hand-over `queue`'s.

use std::sync::Arc;
use std::time::Instant;

use super::database::{Database, WriteError};
use super::lock::WriterLock;
use super::queue::{Queue, Waiting, Work};
use super::sink::JournalCounters;
use crate::error::DeliveryError;
use crate::pace::Pace;
use crate::readiness::Health;
use crate::receipt::{Receipt, Stored};

/// What one transaction takes at most, so that the first batch of a long queue is not woken last.
const GROUP_BYTES: usize = 8 << 20;

pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) queue: Arc<Queue>,
    pub(super) health: Arc<Health>,
    pub(super) counters: Arc<JournalCounters>,
    pace: Pace,
    probe_at: Option<Instant>,
    /// Given back only when the last write is over.
    _lock: WriterLock,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        queue: Arc<Queue>,
        health: Arc<Health>,
        counters: Arc<JournalCounters>,
        lock: WriterLock,
    ) -> Self {
        Self { database, queue, health, counters, pace: Pace::default(), probe_at: None, _lock: lock }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            match self.queue.take(GROUP_BYTES, self.probe_at) {
                Work::Group(group) => self.commit(group),
                Work::ProbeDue => self.probe(),
                Work::Closed => return,
            }
        }
    }

    /// Learns whether the disk and the cap take something, and says so.
    pub(super) fn probe(&mut self) {
        match self.database.probe() {
            Ok(()) => {
                self.pace.reset();
                self.probe_at = None;
                self.health.set_ready();
            }
            Err(error) => self.failed(&error, true),
        }
        self.publish_size();
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        let result = self.database.append(&group);
        // Readiness and sizes are told first: a caller that is woken finds them true.
        match &result {
            Ok(()) => self.counters.commits.add(1),
            Err(error) => self.failed(error, false),
        }
        self.publish_size();
        let result = result.map_err(DeliveryError::from);
        for waiting in group {
            let receipt = || Receipt { stored: Stored::Journal };
            waiting.completion.complete(result.clone().map(|()| receipt()));
        }
        self.database.fold_when_due();
    }

    /// Only a probe makes it ready again: a small batch that still fits does not end a shortage.
    fn failed(&mut self, error: &WriteError, was_probe: bool) {
        self.health.set_not_ready(error.reason());
        if was_probe || self.probe_at.is_none() {
            self.probe_at = Some(Instant::now() + self.pace.next_wait());
        }
    }

    fn publish_size(&self) {
        if let Ok(used) = self.database.used_bytes() {
            self.counters.used_bytes.set(used);
        }
        self.counters.wal_bytes.set(self.database.wal_bytes());
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody is left waiting for it.
    fn drop(&mut self) {
        self.queue.close();
        while let Work::Group(group) = self.queue.take(usize::MAX, None) {
            drop(group);
        }
        self.health.end("the journal is closed");
    }
}
