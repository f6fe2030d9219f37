//! The journal's one writing thread: takes what waits, commits it, wakes each batch once, probes while it cannot.
//! The file itself is `database`'s, the hand-over `queue`'s.

use std::sync::Arc;
use std::time::Instant;

use super::commit::Rows;
use super::database::{Database, WriteError};
use super::job::Job;
use super::lock::WriterLock;
use super::outbox::Topics;
use super::queue::{Queue, Work};
use super::repair::Repair;
use super::retention::Retention;
use super::sink::JournalCounters;
use crate::clock::now_ms;
use crate::error::DeliveryError;
use crate::fallback::{Books, CommitPlan};
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
    pub(super) retention: Retention,
    pub(super) repair: Repair,
    /// What is known of the rows on their way to Kafka, where it is set.
    pub(super) outbox: Option<(Arc<Books>, Topics)>,
    /// Rows that Kafka has could not be deleted.
    keeps_delivered: bool,
    /// Given back only when the last write is over.
    _lock: WriterLock,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        queue: Arc<Queue>,
        health: Arc<Health>,
        counters: Arc<JournalCounters>,
        retention: Retention,
        repair: Repair,
        lock: WriterLock,
    ) -> Self {
        Self {
            database,
            queue,
            health,
            counters,
            pace: Pace::of_readiness(),
            probe_at: None,
            retention,
            repair,
            outbox: None,
            keeps_delivered: false,
            _lock: lock,
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            match self.queue.take(GROUP_BYTES, self.look_at()) {
                Work::Group(group) => {
                    self.make_room(&group);
                    self.commit(group);
                    self.retention.appended(&self.database);
                }
                Work::Tidy => self.tidy(),
                Work::ProbeDue if !self.probe_is_due() => self.retain(),
                Work::ProbeDue => {
                    self.probe();
                    if self.probe_at.is_none() {
                        self.tidy();
                    }
                }
                Work::Closed => {
                    self.tidy();
                    return;
                }
            }
        }
    }

    /// When there is something to do whether batches come or not.
    fn look_at(&self) -> Option<Instant> {
        self.probe_at.into_iter().chain(self.retention.look_at()).min()
    }

    fn probe_is_due(&self) -> bool {
        self.probe_at.is_some_and(|at| at <= Instant::now())
    }

    /// Deletes a step of the events that are too old or too many.
    fn retain(&mut self) {
        if self.repair.closed().is_some() {
            self.retention.look_later();
            return;
        }
        let expired = self.retention.look(&mut self.database, now_ms());
        self.expired(expired);
        if let Some(reason) = self.retention.take_damage() {
            self.mend(&reason);
            self.probe();
        }
    }

    /// New events win over the oldest ones: those go before the new ones would be refused.
    fn make_room(&mut self, group: &[Job]) {
        if self.repair.closed().is_some() {
            return;
        }
        let wanted = group.iter().map(|job| job.size_bytes() as u64).sum();
        let expired = self.retention.make_room(&mut self.database, wanted);
        self.expired(expired);
        if let Some(reason) = self.retention.take_damage()
            && self.mend(&reason)
        {
            self.probe();
            let expired = self.retention.make_room(&mut self.database, wanted);
            self.expired(expired);
        }
    }

    fn expired(&self, rows: u64) {
        if rows > 0 {
            self.counters.expired_rows.add(usize::try_from(rows).unwrap_or(usize::MAX));
            self.publish_size();
        }
    }

    /// Learns whether the disk and the cap take something, and says so.
    pub(super) fn probe(&mut self) {
        self.open_again();
        let mut probed = self.try_probe();
        if let Err(WriteError::Damaged(reason)) = &probed
            && self.mend(reason)
        {
            probed = self.try_probe();
        }
        match probed.map_err(|error| self.repair.in_words(error)) {
            Ok(()) => {
                self.pace.reset();
                self.probe_at = None;
                self.health.set_ready();
            }
            Err(error) => self.failed(&error, true),
        }
        self.publish_size();
    }

    fn try_probe(&mut self) -> Result<(), WriteError> {
        self.repair.closed().map_or_else(|| self.database.probe(), Err)
    }

    fn try_commit(
        &mut self,
        group: &[Job],
        plan: &CommitPlan,
        topics: &Topics,
    ) -> Result<Vec<Rows>, WriteError> {
        self.repair.closed().map_or_else(|| self.database.commit(group, plan, topics), Err)
    }

    /// A page that is damaged may be that of rows which Kafka has: they stay until the next start, and what is new is written.
    /// That start looks for them in the topic and sends none again, so no offset behind them may be kept from now on.
    fn commit_without_deleting(
        &mut self,
        group: &[Job],
        plan: &mut CommitPlan,
        topics: &Topics,
        failed: Result<Vec<Rows>, WriteError>,
    ) -> Result<Vec<Rows>, WriteError> {
        let rest = CommitPlan { copies: std::mem::take(&mut plan.copies), ..CommitPlan::default() };
        let result = self.try_commit(group, &rest, topics);
        plan.copies = rest.copies;
        if result.is_err() {
            return failed;
        }
        if !std::mem::replace(&mut self.keeps_delivered, true) {
            tracing::error!(
                "the journal is damaged where rows stand that Kafka has: they stay until the next start"
            );
        }
        result
    }

    fn commit(&mut self, group: Vec<Job>) {
        let books = self.outbox.as_ref().map(|(books, _)| Arc::clone(books));
        let mut plan = books.as_ref().map(|books| books.begin_commit(&group)).unwrap_or_default();
        if self.keeps_delivered {
            plan.offsets.clear();
        }
        let topics = self.outbox.as_ref().map(|(_, topics)| topics.clone()).unwrap_or_default();
        let mut result = self.try_commit(&group, &plan, &topics);
        if let Err(WriteError::Damaged(reason)) = &result
            && self.mend(reason)
        {
            self.probe();
            result = self.try_commit(&group, &plan, &topics);
        }
        if matches!(result, Err(WriteError::Damaged(_))) && !plan.delete.is_empty() {
            result = self.commit_without_deleting(&group, &mut plan, &topics, result);
        }
        // Nothing can be written without that page.
        if let Err(WriteError::Damaged(reason)) = &result
            && self.outbox.is_some()
            && self.replace(reason)
        {
            self.probe();
            result = self.try_commit(&group, &plan, &topics);
        }
        let result = result.map_err(|error| self.repair.in_words(error));
        // Readiness and sizes are told first: a caller that is woken finds them true.
        match &result {
            Ok(_) => self.counters.commits.add(1),
            Err(error) => self.failed(error, false),
        }
        self.publish_size();
        let receipt = || Receipt::now(Stored::Journal);
        match result {
            Ok(rows) => {
                let mut copied = plan.copies.iter();
                for (job, rows) in group.into_iter().zip(rows) {
                    let taken = matches!(job, Job::Copy(_)).then(|| copied.next()).flatten();
                    if matches!(job, Job::SetAsideDamaged { .. }) && !rows.is_empty() {
                        self.counters.set_aside_rows.add(1);
                    }
                    if let Some(books) = &books {
                        books.job_done(&job, rows, taken.map(Vec::as_slice).unwrap_or_default());
                    }
                    job.answer(Ok(receipt()));
                }
            }
            Err(error) => {
                if let Some(books) = &books {
                    books.commit_failed(&plan);
                }
                let error = DeliveryError::from(error);
                let had_jobs = !group.is_empty();
                for job in group {
                    if let Some(books) = &books {
                        books.job_failed(&job, &error);
                    }
                    job.answer(Err(error.clone()));
                }
                // What may be deleted makes room, at the cap too.
                if had_jobs && !plan.delete.is_empty() {
                    self.queue.tidy_soon();
                }
            }
        }
        self.database.fold_when_due();
    }

    /// Deletes what Kafka has. On a disk that takes nothing, that waits for the next probe.
    fn tidy(&mut self) {
        if let Some((books, _)) = &self.outbox
            && books.has_rows_to_delete()
        {
            self.commit(Vec::new());
        }
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
        if let Ok(rows) = self.database.event_rows() {
            self.counters.event_rows.set(rows);
        }
        self.counters.wal_bytes.set(self.database.wal_bytes());
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody is left waiting for it.
    fn drop(&mut self) {
        self.queue.close();
        while let Work::Group(group) = self.queue.take(usize::MAX, None) {
            for job in group {
                if let Some((books, _)) = &self.outbox {
                    books.job_failed(&job, &DeliveryError::Closed);
                }
                job.answer(Err(DeliveryError::Closed));
            }
        }
        self.health.end("the journal is closed");
    }
}
