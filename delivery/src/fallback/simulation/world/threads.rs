//! The threads' part: the breaker that opens, the probe that finds Kafka, and the drain.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::fallback::core::{Opened, Step};
use crate::fallback::offsets::Known;
use crate::fallback::phase::KafkaState;
use crate::record::{Batch, Stream};

use super::caller::Caller;
use super::journal::{Job, Row};
use super::{World, id_of};

impl World {
    pub(super) fn tick(&mut self) {
        if self.core.trip(self.now).is_some() {
            let Opened { copies, parked } = self.core.open(self.now);
            self.queue.extend(copies.into_iter().map(Job::Copy));
            self.queue.extend(parked.into_iter().map(|(batch, caller)| Job::Fresh(batch, caller)));
        }
    }

    pub(super) fn watch(&mut self) {
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
    pub(super) fn reconcile(&mut self) {
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

    pub(super) fn drain(&mut self) {
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
}
