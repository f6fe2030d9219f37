//! Hands the journal's rows to the producer, in order, and says when there are none left.
//! What comes next is the core's to say; rows are deleted by the journal's writer once Kafka has them.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::core::Step;
use super::gate::Shared;
use super::pacer::Pacer;
use super::phase::KafkaState;
use crate::completion::Completion;
use crate::journal::{Job, OutboxError, OutboxReader, OutboxRow, Table};
use crate::record::{Batch, Stream};

/// What one read takes: large, for the disk; small enough for the memory that it is charged to.
pub(super) const READ_ROWS: usize = 2_000;
const READ_BYTES: usize = 1 << 20;

/// How long the drain waits for acknowledgements, or for memory, before it looks again.
const WAIT: Duration = Duration::from_millis(10);

/// The same where nothing is to be expected.
const IDLE: Duration = Duration::from_millis(500);

/// How long it waits after a read has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How many rows are tried one by one where pages of the file are damaged.
const SALVAGE_ROWS: i64 = 1_000;

pub(super) struct Drain {
    shared: Arc<Shared>,
    data_dir: PathBuf,
    reader: Option<OutboxReader>,
    failing: bool,
    pace: Pacer,
}

impl Drain {
    pub(super) fn new(shared: Arc<Shared>, data_dir: PathBuf) -> Self {
        let pace = Pacer::new(shared.kafka.drain_max_rate);
        Self { shared, data_dir, reader: None, failing: false, pace }
    }

    pub(super) fn run(mut self) {
        let mut wait = Duration::ZERO;
        while self.shared.books.drain.wait(wait) {
            // Another thread does so at once, but where it has to poll librdkafka, which waits by the wall clock, it may wait
            // for an hour if that is set back.
            self.shared.open_if_due();
            let books = &self.shared.books;
            let (step, state) = {
                let core = books.core();
                (core.step(books.now()), core.phase.state())
            };
            wait = match step {
                // An acknowledgement wakes this thread as well.
                Step::Read(..) | Step::Join if !self.pace.rest().is_zero() => self.pace.rest(),
                Step::Read(range, limit) => self.hand_over(&range, limit.min(self.pace.most_at_once())),
                Step::Join => {
                    let _gate = self.shared.change();
                    books.core().join(books.now());
                    Duration::ZERO
                }
                Step::LeaveJoin => {
                    self.shared.leave_join();
                    WAIT
                }
                Step::Finish => {
                    self.shared.finish();
                    Duration::ZERO
                }
                Step::Wait if state == KafkaState::Recovering => WAIT,
                Step::Wait => IDLE,
            };
        }
    }

    /// Reads rows of this range and hands them over; gives how long to wait before the next ones.
    fn hand_over(&mut self, range: &RangeInclusive<i64>, limit: usize) -> Duration {
        match self.read(range, limit) {
            Ok(rows) => {
                self.failing = false;
                self.produce(range, rows)
            }
            Err(OutboxError::DamagedRow { seq, reason }) => {
                tracing::error!(row = seq, "a row of the journal is damaged and set aside: {reason}");
                // It is counted once that is written.
                self.shared.books.core().passed(seq);
                self.shared.books.push(Job::SetAsideDamaged { table: Table::Outbox, seq, reason });
                Duration::ZERO
            }
            Err(OutboxError::DamagedPage(reason)) => {
                self.failed("is damaged; its rows are read one by one", &reason);
                self.salvage(range);
                Duration::ZERO
            }
            Err(OutboxError::Io(reason)) => {
                self.failed("cannot be read now", &reason);
                self.reader = None;
                AFTER_FAILURE
            }
        }
    }

    fn read(&mut self, range: &RangeInclusive<i64>, limit: usize) -> Result<Vec<OutboxRow>, OutboxError> {
        let reader = match self.reader.take() {
            Some(reader) if !reader.is_outdated() => reader,
            _ => OutboxReader::open(&self.data_dir)?,
        };
        let rows = reader.read(range, limit, READ_BYTES);
        self.reader = Some(reader);
        rows
    }

    /// One line in the log for a failure that lasts.
    fn failed(&mut self, what: &str, reason: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!("the journal {what}: {reason}");
        }
    }

    /// Nothing waits for a row that cannot be read.
    fn unreadable(&self, seq: i64) {
        let mut core = self.shared.books.core();
        core.totals.damaged += 1;
        core.passed(seq);
        core.rows.unreadable();
    }

    /// Rows whose own pages are whole are handed over, the others are passed over and told.
    fn salvage(&mut self, range: &RangeInclusive<i64>) {
        let last = (*range.end()).min(range.start().saturating_add(SALVAGE_ROWS - 1));
        let mut lost = 0;
        for seq in *range.start()..=last {
            if self.shared.books.drain.is_stopped() {
                return;
            }
            while !self.pace.rest().is_zero() {
                if !self.shared.books.drain.wait(self.pace.rest()) {
                    return;
                }
            }
            match self.read(&(seq..=seq), 1) {
                Ok(rows) => {
                    while self.produce(&(seq..=seq), rows.clone()) > Duration::ZERO {
                        if !self.shared.books.drain.wait(WAIT) || !self.shared.books.core().is_wanted(seq) {
                            return;
                        }
                    }
                }
                // The next read says so, and waits.
                Err(OutboxError::Io(_)) => return,
                Err(OutboxError::DamagedRow { .. } | OutboxError::DamagedPage(_)) => {
                    self.unreadable(seq);
                    lost += 1;
                }
            }
        }
        if lost > 0 {
            tracing::error!("{lost} rows of the journal from {} to {last} cannot be read", range.start());
        }
    }

    /// Hands over the rows that are still wanted, up to the first of another stream.
    fn produce(&mut self, range: &RangeInclusive<i64>, mut rows: Vec<OutboxRow>) -> Duration {
        let books = &self.shared.books;
        let Some(stream) = rows.first().map(|row| row.stream) else {
            books.core().passed(*range.end());
            return Duration::ZERO;
        };
        if let Some(other) = rows.iter().position(|row| row.stream != stream) {
            rows.truncate(other);
        }
        let last = rows.last().map_or(*range.end(), |row| row.seq);
        let producer = self.shared.producing();
        let wanted: Vec<OutboxRow> = {
            let mut core = books.core();
            rows.retain(|row| core.is_wanted(row.seq));
            if rows.is_empty() {
                core.passed(last);
            }
            rows
        };
        if wanted.is_empty() {
            return Duration::ZERO;
        }
        let seqs: Vec<i64> = wanted.iter().map(|row| row.seq).collect();
        let batch = Arc::new(batch(stream, wanted));
        let records = batch.len();
        let Ok(share) = self.shared.budget.try_reserve(batch.size_bytes(), records) else { return WAIT };
        // Nobody waits for it: it holds the memory.
        let (completion, _) = Completion::new(share, Arc::clone(&self.shared.counters));
        let slot = books.core().drained(books.now(), Arc::clone(&batch), completion, seqs);
        // Some of them were acknowledged or given up meanwhile: they are read again.
        let Some(slot) = slot else { return Duration::ZERO };
        self.shared.produce(&producer, slot, &batch);
        drop(producer);
        books.core().passed_unless_wanted(last);
        self.pace.handed_over(records);
        Duration::ZERO
    }
}

fn batch(stream: Stream, rows: Vec<OutboxRow>) -> Batch {
    let records = rows.into_iter().map(|row| row.record).collect();
    match stream {
        Stream::Events => Batch::new(records),
        Stream::DeadLetters => Batch::dead_letters(records),
    }
}
