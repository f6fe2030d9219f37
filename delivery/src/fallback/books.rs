//! The core behind its lock, and what follows at once from each report: answers, jobs for the journal, a thread woken.
//! It holds no producer, so that the producer can hold it.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::core::{CommitPlan, CopyJob, Core, SetAside};
use super::phase::KafkaState;
use super::signal::Signal;
use super::ticket::Ticket;
use crate::completion::{AppendResult, Completion};
use crate::error::DeliveryError;
use crate::journal::{Job, Queue};
use crate::kafka::{LastStatistics, Report, Reports, Statistics};
use crate::stats::Count;

/// So many reports are noted under one lock, so that a batch that comes waits for no more of them.
const SETTLED_AT_ONCE: usize = 128;

pub(crate) struct Books {
    core: Mutex<Core<Completion>>,
    started: Instant,
    pub(super) journal: Arc<Queue>,
    /// Wakes the watch.
    pub(super) look: Signal,
    /// Wakes the drain.
    pub(super) drain: Signal,
    /// Set where reports wait to be taken.
    pub(super) reported: Notify,
    /// Since when they do, in nanoseconds from the start; 0 where none do.
    reported_at: AtomicU64,
    /// The same of those that are being taken.
    taken_of: AtomicU64,
    /// Transactions that were committed, and that were not.
    pub(super) transactions: [Count; 2],
    /// What the producer told of itself last.
    pub(super) statistics: LastStatistics,
    /// librdkafka's last words about a connection.
    last_error: Mutex<Option<String>>,
}

impl Books {
    pub(super) fn new(core: Core<Completion>, journal: Arc<Queue>) -> Self {
        Self {
            core: Mutex::new(core),
            started: Instant::now(),
            journal,
            look: Signal::default(),
            drain: Signal::default(),
            reported: Notify::new(),
            reported_at: AtomicU64::new(0),
            taken_of: AtomicU64::new(0),
            transactions: Default::default(),
            statistics: LastStatistics::default(),
            last_error: Mutex::new(None),
        }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core<Completion>> {
        // Nothing in the core panics halfway through a change, so a poisoned one is still whole.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The core's time: since the start.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was said of an outage that is over explains none that comes later.
    pub(super) fn forget_error(&self) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes reports by `pass_on`: what that tells was known when it began to wait, and what is told otherwise is known now.
    pub(super) fn taking(&self, pass_on: impl FnOnce() -> bool) -> bool {
        self.taken_of.store(self.reported_at.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        let more = pass_on();
        self.taken_of.store(0, Ordering::Relaxed);
        more
    }

    /// Notes what became of some records in one go, and does what follows; `false` where there were none.
    fn settle_some(&self, told: &mut dyn Iterator<Item = Report>, reported_at: Option<Duration>) -> bool {
        let Some(first) = told.next() else { return false };
        let now = self.now();
        let known_at = self.started + reported_at.unwrap_or(now);
        let (mut rows, mut away) = (false, false);
        let (mut ended, mut set_aside) = (Vec::new(), Vec::new());
        let mut core = self.core();
        for Report { opaque, fate } in std::iter::once(first).chain(told).take(SETTLED_AT_ONCE) {
            let acknowledged = fate.is_ok();
            let settled = core.settle(now, Ticket::from_opaque(opaque), fate);
            ended.extend(settled.ended);
            set_aside.extend(settled.set_aside);
            rows |= settled.rows_delivered;
            away |= acknowledged && core.phase.state() == KafkaState::Away;
        }
        drop(core);
        set_aside.into_iter().for_each(|set_aside| self.push(Job::SetAside(*set_aside)));
        for (completion, mut result) in ended {
            if let Some(Ok(receipt)) = &mut result {
                receipt.known_at = known_at;
            }
            end((completion, result));
        }
        if rows {
            self.journal.tidy_soon();
            self.drain.set();
        }
        if away {
            // An outage is over before its next probe was due.
            self.look.set();
        }
        true
    }

    /// A job that nobody waits for. A closed journal takes none: the row stays, and the next start sees to it.
    pub(super) fn push(&self, job: Job) {
        if let Err(job) = self.journal.push(job) {
            self.job_failed(&job, &DeliveryError::Closed);
            job.answer(Err(DeliveryError::Closed));
        }
    }

    /// What the writer's next transaction is to hold beside these jobs.
    pub(crate) fn begin_commit(&self, group: &[Job]) -> CommitPlan {
        let copies = group.iter().filter_map(|job| match job {
            Job::Copy(copy) => Some(copy),
            _ => None,
        });
        self.core().begin_commit(copies)
    }

    pub(crate) fn commit_failed(&self, plan: &CommitPlan) {
        self.core().commit_failed(plan);
    }

    /// The journal's file was replaced by what could be read of it. Gives how many rows the drain had found unreadable.
    pub(crate) fn replaced(&self) -> u64 {
        let mut core = self.core();
        core.rows.some_are_lost();
        core.totals.damaged
    }

    pub(crate) fn has_rows_to_delete(&self) -> bool {
        self.core().rows.has_delivered()
    }

    /// A job's rows are written; `copied` are the numbers of the records that a copy took.
    pub(crate) fn job_done(&self, job: &Job, rows: RangeInclusive<i64>, copied: &[usize]) {
        let mut ended = None;
        {
            let mut core = self.core();
            match job {
                Job::Outbox { .. } => core.fresh_written(rows),
                Job::Copy(copy) => ended = core.copied(copy, copied, *rows.start()),
                Job::SetAside(SetAside { row, .. }) => core.moved(*row, rows),
                // It was found to be whole after all.
                Job::SetAsideDamaged { seq, .. } if rows.is_empty() => core.rows.given_up(*seq),
                Job::SetAsideDamaged { seq, .. } => core.rows.delivered(*seq),
                Job::Store { .. } | Job::KeepOffsets(_) => return,
            }
        }
        ended.into_iter().for_each(end);
        self.drain.set();
    }

    pub(crate) fn job_failed(&self, job: &Job, error: &DeliveryError) {
        let mut ended = None;
        {
            let mut core = self.core();
            match job {
                Job::Outbox { .. } => core.fresh_failed(),
                Job::Copy(copy) => ended = core.copy_failed(self.now(), copy, &error.to_string()),
                // It is sent again, refused again, and then set aside.
                Job::SetAside(SetAside { row: Some(seq), .. }) => core.rows.given_up(*seq),
                _ => {}
            }
        }
        ended.into_iter().for_each(end);
    }
}

fn end((completion, result): (Completion, Option<AppendResult>)) {
    if let Some(result) = result {
        completion.complete(result);
    }
}

impl Reports for Books {
    fn settled(&self, told: &mut dyn Iterator<Item = Report>) {
        let reported_at = self.taken_of.load(Ordering::Relaxed);
        let reported_at = (reported_at > 0).then(|| Duration::from_nanos(reported_at));
        while self.settle_some(told, reported_at) {}
    }

    fn connection_failed(&self, reason: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        self.core().failed();
    }

    fn all_brokers_down(&self) {
        self.core().failed();
        self.look.set();
    }

    fn waiting(&self) {
        let now = u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX);
        let _ = self.reported_at.compare_exchange(0, now.max(1), Ordering::Relaxed, Ordering::Relaxed);
        self.reported.notify_one();
    }

    fn statistics(&self, told: &Statistics) {
        self.statistics.note(told);
    }

    fn transaction_ended(&self, committed: bool) {
        self.transactions[usize::from(!committed)].add(1);
    }
}

/// A copy of nothing changes nothing.
impl CopyJob {
    pub(crate) fn size_bytes(&self) -> usize {
        self.batch.size_bytes()
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::core::{Admitted, Limits};
    use super::super::rows::{Next, Rows};
    use super::*;
    use crate::budget::MemoryBudget;
    use crate::journal::{JOURNAL_FILE, JournalSettings, OpenJournal, Table, Topics};
    use crate::receipt::Position;
    use crate::record::{Batch, Record};
    use crate::stats::Counters;

    impl Books {
        /// Waits until the writer has done what makes it so.
        fn until(&self, is_so: impl Fn(&Core<Completion>) -> bool) {
            let begun = Instant::now();
            while !is_so(&self.core()) {
                assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", self.core().rows);
                self.drain.wait(Duration::from_millis(10));
            }
        }
    }

    #[test]
    fn a_report_is_known_since_it_waits_and_one_that_did_not_wait_is_known_now() {
        let limits = Limits {
            slow_after: Duration::from_secs(2),
            in_flight_bytes: 1 << 20,
            drain_bytes: 1 << 20,
            join_rows: 0,
        };
        let books = Books::new(Core::new(limits, Rows::default()), Arc::default());
        books.core().found(Duration::ZERO);
        assert!(books.core().finish(Duration::ZERO).is_some());
        let batch = Arc::new(Batch::new(vec![Record::default()]));
        let hand_over = || {
            let share = MemoryBudget::new(1 << 20).try_reserve(1, 1).unwrap();
            let (completion, answer) = Completion::new(share, Arc::new(Counters::default()));
            let admitted = books.core().admit(books.now(), &batch, completion);
            let Admitted::Produce(slot) = admitted else { panic!("Kafka is there") };
            (Ticket { slot, index: 0 }.to_opaque(), answer)
        };
        let tell = |opaque| {
            let fate = Ok(Position { partition: 0, offset: 7 });
            books.settled(&mut std::iter::once(Report { opaque, fate }));
            false
        };
        let (opaque, answer) = hand_over();
        books.waiting();
        let waited = Instant::now();
        assert!(!books.taking(|| tell(opaque)));
        assert!(answer.blocking_recv().unwrap().unwrap().known_at <= waited);
        let (opaque, answer) = hand_over();
        let begun = Instant::now();
        tell(opaque);
        assert!(answer.blocking_recv().unwrap().unwrap().known_at >= begun);
    }

    #[test]
    fn a_row_that_proves_whole_at_a_second_look_waits_again_and_one_that_does_not_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let opened = OpenJournal::open(directory.path(), &JournalSettings::default()).unwrap();
        let limits = Limits {
            slow_after: Duration::from_secs(2),
            in_flight_bytes: 1 << 20,
            drain_bytes: 1 << 20,
            join_rows: 0,
        };
        let books = Arc::new(Books::new(Core::new(limits, Rows::default()), opened.queue()));
        let topics = Topics { events: "events".to_owned(), dead_letters: "letters".to_owned() };
        let journal = opened.start(Some((Arc::clone(&books), topics))).unwrap();
        let batch = Arc::new(Batch::new(vec![Record::default(); 3]));
        let share = MemoryBudget::new(1 << 20).try_reserve(batch.size_bytes(), batch.len()).unwrap();
        let (completion, _) = Completion::new(share, Arc::new(Counters::default()));
        let admitted = books.core().admit(books.now(), &batch, completion);
        let Admitted::Journal(completion) = admitted else { panic!("Kafka is away") };
        books.push(Job::Outbox { batch, completion });
        books.until(|core| core.rows.waiting() == 3);

        let found_damaged = || {
            let reason = "its checksum is another".to_owned();
            books.core().rows.passed(2);
            books.push(Job::SetAsideDamaged { table: Table::Outbox, seq: 2, reason });
        };
        books.core().rows.passed(3);
        assert_eq!(books.core().rows.next(), Next::Nothing);
        // The page was damaged in the memory of whoever read it.
        found_damaged();
        books.until(|core| core.rows.next() == Next::Due(2));
        assert_eq!((books.core().rows.waiting(), journal.stats().damaged_rows), (3, 0));
        let other = Connection::open(directory.path().join(JOURNAL_FILE)).unwrap();
        let kept = |table: &str| -> Vec<i64> {
            let mut select = other.prepare(&format!("SELECT seq FROM {table} ORDER BY seq")).unwrap();
            select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!((kept("outbox"), kept("damaged_rows")), (vec![1, 2, 3], vec![]));
        // Now it is in the file.
        other.execute_batch("UPDATE outbox SET payload = x'00' WHERE seq = 2").unwrap();
        found_damaged();
        books.until(|core| core.rows.waiting() == 2);
        assert_eq!((books.core().rows.next(), journal.stats().damaged_rows), (Next::Nothing, 1));
        // The writer deletes what nobody waits for with its next transaction at the latest.
        assert_eq!(kept("damaged_rows"), [2]);
        assert!(!kept("outbox").contains(&2));
    }
}
