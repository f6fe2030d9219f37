//! A Kafka of three partitions, a disk, a clock, and the threads' part: what they would do, in an order that the seed says.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::completion::AppendResult;
use crate::error::DeliveryError;
use crate::fallback::core::{Admitted, CopyJob, Core, Limits, Opened, SetAside, Settled, Step};
use crate::fallback::in_flight::Waiter;
use crate::fallback::offsets::Known;
use crate::fallback::phase::KafkaState;
use crate::fallback::rows::Rows;
use crate::fallback::ticket::Ticket;
use crate::kafka::Refused;
use crate::receipt::{Position, Receipt, RecordFailure, RecordOutcome, Stored};
use crate::record::{Batch, Header, Record, Stream};

const PARTITIONS: usize = 3;
const KEYS: u64 = 7;

/// What may go wrong beside brokers that come and go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) crashes: bool,
    pub(super) disk: bool,
    pub(super) refusals: bool,
    pub(super) give_ups: bool,
    /// The producer ends for good and is made anew.
    pub(super) fatal: bool,
}

/// What happened in all runs.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) acknowledged: usize,
    pub(super) in_kafka: usize,
    pub(super) duplicates: usize,
    pub(super) counted_duplicates: u64,
    pub(super) drained: u64,
    pub(super) late: u64,
    pub(super) changes: u64,
    pub(super) crashes: u64,
    pub(super) set_aside: usize,
    pub(super) longest_wait_ms: u128,
    /// Rows that were found in the topic and not sent again.
    pub(super) found: u64,
}

/// A record's name: its key, and its number among those of the key.
type Id = (u64, u64);

/// Who waits: for these records, since then.
struct Caller {
    ids: Vec<Id>,
    since: Duration,
    told: Rc<RefCell<Told>>,
    answered: bool,
}

#[derive(Default)]
struct Told {
    now: Duration,
    acknowledged: BTreeSet<Id>,
    longest_wait: Duration,
}

impl Waiter for Caller {
    fn answer(&mut self, result: AppendResult) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        let mut told = self.told.borrow_mut();
        told.longest_wait = told.longest_wait.max(told.now.saturating_sub(self.since));
        match result {
            Ok(_) => told.acknowledged.extend(&self.ids),
            Err(DeliveryError::Partial { outcomes }) => {
                let stored =
                    outcomes.iter().zip(&self.ids).filter(|(o, _)| !matches!(o, RecordOutcome::Failed(_)));
                told.acknowledged.extend(stored.map(|(_, id)| *id));
            }
            Err(_) => {}
        }
    }
}

enum Job {
    Fresh(Arc<Batch>, Caller),
    Copy(CopyJob),
    SetAside(SetAside),
}

#[derive(Clone)]
struct Row {
    stream: Stream,
    record: Record,
}

/// What outlives a crash.
#[derive(Default)]
struct Disk {
    rows: BTreeMap<i64, Row>,
    used: i64,
    offsets: BTreeMap<(bool, i32), i64>,
}

struct Sent {
    ticket: Ticket,
    id: Id,
}

pub(super) struct World {
    random: u64,
    faults: Faults,
    now: Duration,
    core: Core<Caller>,
    queue: VecDeque<Job>,
    disk: Disk,
    disk_fails: bool,
    /// What the producer holds, for each partition: appended and not acknowledged, then not appended.
    appended: [VecDeque<(Sent, i64)>; PARTITIONS],
    sent: [VecDeque<Sent>; PARTITIONS],
    log: [Vec<Id>; PARTITIONS],
    letters: BTreeSet<Id>,
    broker_up: bool,
    connected: bool,
    next: HashMap<u64, u64>,
    told: Rc<RefCell<Told>>,
    sums: Sums,
}

fn limits() -> Limits {
    Limits { slow_after: Duration::from_millis(300), in_flight_bytes: 40_000, drain_bytes: 20_000 }
}

fn id_of(record: &Record) -> Id {
    let text = str::from_utf8(&record.payload).unwrap();
    let (key, number) = text.split_once(' ').unwrap();
    (key.parse().unwrap(), number.parse().unwrap())
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            faults,
            now: Duration::ZERO,
            core: Core::new(limits(), Rows::default()),
            queue: VecDeque::new(),
            disk: Disk::default(),
            disk_fails: false,
            appended: Default::default(),
            sent: Default::default(),
            log: Default::default(),
            letters: BTreeSet::new(),
            broker_up: true,
            connected: false,
            next: HashMap::new(),
            told: Rc::default(),
            sums: Sums::default(),
        }
    }

    /// SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    pub(super) fn step(&mut self) {
        let passed = Duration::from_millis(self.below(8));
        self.now += passed;
        self.told.borrow_mut().now = self.now;
        match self.below(100) {
            0..20 => self.submit(),
            20..40 => self.broker_works(),
            40..58 => self.acknowledge(),
            58..75 => self.commit(),
            75..90 => self.drain(),
            90..96 => self.watch(),
            96 if self.below(2) == 0 => self.broker_up = self.below(3) > 0,
            97 if self.faults.disk => self.disk_fails = self.below(4) == 0,
            98 if self.faults.crashes && self.below(4) == 0 => self.crash(),
            98 if self.faults.fatal && self.below(4) == 0 => self.fatal(),
            99 if self.faults.give_ups && self.below(4) == 0 => self.give_up(),
            _ => {}
        }
        self.tick();
    }

    fn submit(&mut self) {
        let mut records = Vec::new();
        let mut ids = Vec::new();
        for _ in 0..=self.below(4) {
            let key = self.below(KEYS);
            let number = self.next.entry(key).or_default();
            *number += 1;
            ids.push((key, *number));
            let payload = format!("{key} {number}");
            let headers = vec![Header::new("ce_id", payload.clone())];
            records.push(Record { headers, payload: payload.into(), ..Record::default() });
        }
        let batch = Arc::new(Batch::new(records));
        let caller = Caller { ids, since: self.now, told: Rc::clone(&self.told), answered: false };
        match self.core.admit(self.now, &batch, caller) {
            Admitted::Produce(slot) => self.produce(slot, &batch),
            Admitted::Journal(caller) => self.queue.push_back(Job::Fresh(batch, caller)),
            Admitted::Parked => {}
            Admitted::Closed(_) => unreachable!(),
        }
    }

    fn produce(&mut self, slot: usize, batch: &Batch) {
        for (index, record) in batch.records().iter().enumerate() {
            let id = id_of(record);
            let sent = Sent { ticket: Ticket { slot, index }, id };
            if batch.stream() == Stream::DeadLetters {
                // Its own topic, which takes everything at once.
                self.letters.insert(id);
                self.settle(sent.ticket, Ok(Position { partition: 0, offset: self.letters.len() as i64 }));
            } else {
                self.sent[id.0 as usize % PARTITIONS].push_back(sent);
            }
        }
    }

    fn broker_works(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        for _ in 0..self.below(12) {
            if !self.broker_up {
                return;
            }
            let Some(sent) = self.sent[partition].pop_front() else { return };
            if self.faults.refusals && sent.id.1 % 53 == 0 {
                let failure =
                    RecordFailure { code: "record_too_large", reason: "as told".into(), retry: false };
                self.settle(sent.ticket, Err(Refused::Record(failure)));
                continue;
            }
            let offset = self.log[partition].len() as i64;
            self.log[partition].push(sent.id);
            self.appended[partition].push_back((sent, offset));
        }
    }

    fn acknowledge(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        for _ in 0..self.below(15) {
            if !self.broker_up {
                return;
            }
            let Some((sent, offset)) = self.appended[partition].pop_front() else { return };
            self.settle(sent.ticket, Ok(Position { partition: partition as i32, offset }));
        }
    }

    /// A whole partition is given up, as for an unknown topic.
    fn give_up(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        let failure = || RecordFailure { code: "unknown_topic", reason: "gone".into(), retry: true };
        let appended: Vec<_> = self.appended[partition].drain(..).map(|(sent, _)| (sent, true)).collect();
        let sent: Vec<_> = self.sent[partition].drain(..).map(|sent| (sent, false)).collect();
        for (sent, possibly_stored) in appended.into_iter().chain(sent) {
            self.settle(sent.ticket, Err(Refused::GivenUp { failure: failure(), possibly_stored }));
        }
    }

    /// The producer ends: what it holds is given up, and what stands in the topic is looked for again.
    fn fatal(&mut self) {
        let failure = || RecordFailure { code: "kafka", reason: "fatal".into(), retry: true };
        for partition in 0..PARTITIONS {
            let appended: Vec<_> = self.appended[partition].drain(..).map(|(sent, _)| (sent, true)).collect();
            let sent: Vec<_> = self.sent[partition].drain(..).map(|sent| (sent, false)).collect();
            for (sent, possibly_stored) in appended.into_iter().chain(sent) {
                self.settle(sent.ticket, Err(Refused::GivenUp { failure: failure(), possibly_stored }));
            }
        }
        self.core.must_open_for("the producer has ended");
        self.connected = false;
    }

    fn settle(&mut self, ticket: Ticket, fate: Result<Position, Refused>) {
        let Settled { ended, set_aside, .. } = self.core.settle(self.now, ticket, fate);
        end(ended);
        self.queue.extend(set_aside.map(Job::SetAside));
    }

    fn commit(&mut self) {
        let count = (self.below(6) as usize).min(self.queue.len());
        let group: Vec<Job> = self.queue.drain(..count).collect();
        let copies = group.iter().filter_map(|job| match job {
            Job::Copy(copy) => Some(copy),
            _ => None,
        });
        let plan = self.core.begin_commit(copies);
        if self.disk_fails {
            self.core.commit_failed(&plan);
            return group.into_iter().for_each(|job| self.job_failed(job));
        }
        for range in plan.delete.iter() {
            range.for_each(|seq| drop(self.disk.rows.remove(&seq)));
        }
        for Known { stream, position, .. } in &plan.offsets {
            self.disk.offsets.insert((*stream == Stream::Events, position.partition), position.offset);
        }
        let mut open = plan.copies.into_iter();
        // Reports may come between the transaction and what is said of it.
        let mut written = Vec::new();
        for job in group {
            let first = self.disk.used + 1;
            let copied = matches!(job, Job::Copy(_)).then(|| open.next()).flatten().unwrap_or_default();
            match &job {
                Job::Fresh(batch, _) => batch.records().iter().for_each(|r| self.insert(batch.stream(), r)),
                Job::Copy(copy) => {
                    copied.iter().for_each(|i| self.insert(copy.batch.stream(), &copy.batch.records()[*i]));
                }
                Job::SetAside(aside) => {
                    self.insert(Stream::DeadLetters, &aside.record);
                    aside.row.iter().for_each(|seq| drop(self.disk.rows.remove(seq)));
                }
            }
            written.push((job, first..=self.disk.used, copied));
        }
        self.acknowledge();
        self.broker_works();
        for (job, rows, copied) in written {
            match job {
                Job::Fresh(_, mut caller) => {
                    self.core.fresh_written(rows);
                    caller.answer(Ok(Receipt { stored: Stored::Journal }));
                }
                Job::Copy(copy) => end(self.core.copied(&copy, &copied, *rows.start())),
                Job::SetAside(aside) => self.core.moved(aside.row, rows),
            }
        }
    }

    fn insert(&mut self, stream: Stream, record: &Record) {
        self.disk.used += 1;
        self.disk.rows.insert(self.disk.used, Row { stream, record: record.clone() });
    }

    fn job_failed(&mut self, job: Job) {
        match job {
            Job::Fresh(_, mut caller) => {
                self.core.fresh_failed();
                caller.answer(Err(DeliveryError::JournalIo { reason: "full".into() }));
            }
            Job::Copy(copy) => end(self.core.copy_failed(self.now, &copy, "it is full")),
            Job::SetAside(aside) => aside.row.iter().for_each(|seq| self.core.rows.given_up(*seq)),
        }
    }

    fn tick(&mut self) {
        if self.core.trip(self.now).is_some() {
            let Opened { copies, parked } = self.core.open(self.now);
            self.queue.extend(copies.into_iter().map(Job::Copy));
            self.queue.extend(parked.into_iter().map(|(batch, caller)| Job::Fresh(batch, caller)));
        }
    }

    fn watch(&mut self) {
        if self.core.phase.state() != KafkaState::Away || !self.broker_up {
            return;
        }
        match self.core.doubt() {
            None => return,
            Some(true) if self.connected => {
                self.core.resolve_doubt();
                self.reconcile();
                self.core.resolved();
            }
            _ => {}
        }
        if !self.connected {
            if self.core.in_flight() > 0 {
                return;
            }
            self.core.resolve_doubt();
            let ends = (0..).zip(&self.log).map(|(partition, log)| (partition, log.len() as i64)).collect();
            self.reconcile();
            self.core.offsets.reset(None, &ends);
            if self.core.rows.waiting() > 0 {
                if self.disk_fails {
                    return;
                }
                let plan = self.core.begin_commit(std::iter::empty());
                plan.delete.iter().flatten().for_each(|seq| drop(self.disk.rows.remove(&seq)));
                for Known { stream, position, .. } in &plan.offsets {
                    self.disk
                        .offsets
                        .insert((*stream == Stream::Events, position.partition), position.offset);
                }
            }
            self.connected = true;
        }
        self.core.found(self.now);
    }

    /// What the topic holds behind the kept offsets is not sent again.
    fn reconcile(&mut self) {
        if self.disk.offsets.is_empty() {
            return;
        }
        let mut found = BTreeSet::new();
        for (partition, log) in (0..).zip(&self.log) {
            let behind = self.disk.offsets.get(&(true, partition)).map_or(0, |offset| offset + 1);
            found.extend(log.iter().skip(usize::try_from(behind).unwrap()).copied());
        }
        for (seq, row) in &self.disk.rows {
            let id = id_of(&row.record);
            let there = match row.stream {
                Stream::Events => found.contains(&id),
                Stream::DeadLetters => self.letters.contains(&id),
            };
            if there && self.core.rows.is_wanted(*seq) {
                self.sums.found += 1;
                self.core.rows.delivered(*seq);
            }
        }
    }

    fn drain(&mut self) {
        match self.core.step(self.now) {
            Step::Wait => {}
            Step::Join => self.core.join(self.now),
            Step::LeaveJoin => {
                let parked = self.core.leave_join();
                self.queue.extend(parked.into_iter().map(|(batch, caller)| Job::Fresh(batch, caller)));
            }
            Step::Finish => {
                for (slot, batch) in self.core.finish(self.now).unwrap() {
                    self.produce(slot, &batch);
                }
            }
            Step::Read(range, limit) => {
                let limit = limit.min(1 + self.below(30) as usize);
                let rows: Vec<(i64, Row)> = self
                    .disk
                    .rows
                    .range(range.clone())
                    .take(limit)
                    .map(|(seq, row)| (*seq, row.clone()))
                    .collect();
                // Reports may come between the read and what is made of it.
                self.acknowledge();
                let Some(stream) = rows.first().map(|(_, row)| row.stream) else {
                    return self.core.passed(*range.end());
                };
                let rows: Vec<_> = rows.into_iter().take_while(|(_, row)| row.stream == stream).collect();
                let last = rows.last().unwrap().0;
                let wanted: Vec<_> = rows.into_iter().filter(|(seq, _)| self.core.is_wanted(*seq)).collect();
                if wanted.is_empty() {
                    return self.core.passed(last);
                }
                let (seqs, records): (Vec<_>, Vec<_>) =
                    wanted.into_iter().map(|(seq, row)| (seq, row.record)).unzip();
                let batch = match stream {
                    Stream::Events => Batch::new(records),
                    Stream::DeadLetters => Batch::dead_letters(records),
                };
                let batch = Arc::new(batch);
                let nobody =
                    Caller { ids: Vec::new(), since: self.now, told: Rc::clone(&self.told), answered: true };
                if let Some(slot) = self.core.drained(self.now, Arc::clone(&batch), nobody, seqs) {
                    self.produce(slot, &batch);
                    self.core.passed_unless_wanted(last);
                }
            }
        }
    }

    /// SIGKILL: what was in memory is gone; what was on its way may still arrive.
    fn crash(&mut self) {
        self.add_up();
        self.sums.crashes += 1;
        for partition in 0..PARTITIONS {
            self.appended[partition].clear();
            let arriving = if self.broker_up { self.below(4) as usize } else { 0 };
            let arriving = arriving.min(self.sent[partition].len());
            let ids: Vec<Id> = self.sent[partition].drain(..).take(arriving).map(|sent| sent.id).collect();
            let refused = |id: &Id| self.faults.refusals && id.1.is_multiple_of(53);
            self.log[partition].extend(ids.into_iter().filter(|id| !refused(id)));
        }
        self.queue.clear();
        let first = self.disk.rows.keys().next().copied().unwrap_or(self.disk.used + 1);
        let left = first..=self.disk.used;
        self.core = Core::new(limits(), Rows::left(&left, self.disk.rows.len() as u64));
        self.now = Duration::ZERO;
        self.connected = false;
    }

    fn add_up(&mut self) {
        self.sums.drained += self.core.totals.drained;
        self.sums.late += self.core.totals.late;
        self.sums.counted_duplicates += self.core.totals.possible_duplicates;
        self.sums.changes += self.core.phase.changes();
    }

    /// Everything works again, until nothing is left to do.
    pub(super) fn heal(&mut self) {
        self.broker_up = true;
        self.disk_fails = false;
        for _ in 0..20_000 {
            let passed = Duration::from_millis(self.below(8));
            self.now += passed;
            self.told.borrow_mut().now = self.now;
            self.broker_works();
            self.acknowledge();
            self.commit();
            self.drain();
            self.watch();
            self.tick();
            let quiet = self.core.in_flight() == 0 && self.queue.is_empty() && self.core.unanswered() == 0;
            if quiet && self.disk.rows.is_empty() && self.core.phase.state() == KafkaState::Healthy {
                return;
            }
        }
        panic!(
            "it does not come to rest: {:?}, {} rows, {:?}, step {:?}",
            self.core.phase,
            self.disk.rows.len(),
            self.core.rows,
            self.core.step(self.now)
        );
    }

    pub(super) fn check(&mut self, sums: &mut Sums) {
        self.add_up();
        let told = self.told.borrow();
        let mut duplicates = 0;
        let mut in_kafka = BTreeSet::new();
        let mut last: HashMap<u64, u64> = HashMap::new();
        for id in self.log.iter().flatten() {
            if !in_kafka.insert(*id) {
                duplicates += 1;
                continue;
            }
            let before = last.insert(id.0, id.1).unwrap_or_default();
            assert!(before < id.1, "{id:?} stands behind {before}");
        }
        for id in &told.acknowledged {
            assert!(
                in_kafka.contains(id) || self.letters.contains(id),
                "{id:?} was acknowledged and is lost"
            );
        }
        assert!(
            duplicates as u64 <= self.sums.counted_duplicates,
            "{duplicates} duplicates, {} counted",
            self.sums.counted_duplicates
        );
        sums.acknowledged += told.acknowledged.len();
        sums.in_kafka += in_kafka.len();
        sums.duplicates += duplicates;
        sums.counted_duplicates += self.sums.counted_duplicates;
        sums.drained += self.sums.drained;
        sums.late += self.sums.late;
        sums.found += self.sums.found;
        sums.changes += self.sums.changes;
        sums.crashes += self.sums.crashes;
        sums.set_aside += self.letters.len();
        sums.longest_wait_ms = sums.longest_wait_ms.max(told.longest_wait.as_millis());
    }
}

fn end(ended: Option<(Caller, Option<AppendResult>)>) {
    if let Some((mut caller, Some(result))) = ended {
        caller.answer(result);
    }
}
