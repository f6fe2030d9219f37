//! Everything works again, and what was acknowledged is held against what is stored.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::fallback::phase::KafkaState;

use super::World;

/// What happened in all runs.
#[derive(Debug, Default)]
pub(in crate::fallback::simulation) struct Sums {
    pub(in crate::fallback::simulation) acknowledged: usize,
    pub(in crate::fallback::simulation) in_kafka: usize,
    pub(in crate::fallback::simulation) duplicates: usize,
    pub(in crate::fallback::simulation) counted_duplicates: u64,
    pub(in crate::fallback::simulation) drained: u64,
    pub(in crate::fallback::simulation) late: u64,
    pub(in crate::fallback::simulation) changes: u64,
    pub(in crate::fallback::simulation) crashes: u64,
    pub(in crate::fallback::simulation) set_aside: usize,
    pub(in crate::fallback::simulation) longest_wait_ms: u128,
    /// Rows that were found in the topic and not sent again.
    pub(in crate::fallback::simulation) found: u64,
}

impl World {
    pub(super) fn add_up(&mut self) {
        self.sums.drained += self.core.totals.drained;
        self.sums.late += self.core.totals.late;
        self.sums.counted_duplicates += self.core.totals.possible_duplicates;
        self.sums.changes += self.core.phase.changes();
    }

    /// Everything works again, until nothing is left to do.
    pub(in crate::fallback::simulation) fn heal(&mut self) {
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

    pub(in crate::fallback::simulation) fn check(&mut self, sums: &mut Sums) {
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
