//! A Kafka of three partitions, a disk, a clock, and the threads' part: what they would do, in an order that the seed says.

mod caller;
mod journal;
mod kafka;
mod threads;
mod verdict;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::fallback::core::{Admitted, Core, Limits};
use crate::fallback::rows::Rows;
use crate::headers::Header;
use crate::record::{Batch, Record};

use caller::{Caller, Id, Told};
use journal::{Disk, Job};
use kafka::Sent;
pub(super) use verdict::Sums;

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
    Limits {
        slow_after: Duration::from_millis(300),
        in_flight_bytes: 40_000,
        drain_bytes: 20_000,
        join_rows: 4_000,
    }
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
            records.push(Record { headers: headers.into(), payload: payload.into(), ..Record::default() });
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
}
