//! The journal's writer, and the disk that outlives a crash: groups of jobs in one transaction, or in none.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::DeliveryError;
use crate::fallback::core::{CopyJob, SetAside};
use crate::fallback::in_flight::Waiter;
use crate::fallback::offsets::Known;
use crate::receipt::{Receipt, Stored};
use crate::record::{Batch, Record, Stream};

use super::World;
use super::caller::{Caller, end};

pub(super) enum Job {
    Fresh(Arc<Batch>, Caller),
    Copy(CopyJob),
    SetAside(SetAside),
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) stream: Stream,
    pub(super) record: Record,
}

/// What outlives a crash.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) rows: BTreeMap<i64, Row>,
    pub(super) used: i64,
    pub(super) offsets: BTreeMap<(bool, i32), i64>,
}

impl World {
    pub(super) fn commit(&mut self) {
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
                    caller.answer(Ok(Receipt::now(Stored::Journal)));
                }
                Job::Copy(copy) => end(self.core.copied(&copy, &copied, *rows.start())),
                Job::SetAside(aside) => self.core.moved(aside.row, rows),
            }
        }
    }

    pub(super) fn insert(&mut self, stream: Stream, record: &Record) {
        self.disk.used += 1;
        self.disk.rows.insert(self.disk.used, Row { stream, record: record.clone() });
    }

    pub(super) fn job_failed(&mut self, job: Job) {
        match job {
            Job::Fresh(_, mut caller) => {
                self.core.fresh_failed();
                caller.answer(Err(DeliveryError::JournalIo { reason: "full".into() }));
            }
            Job::Copy(copy) => end(self.core.copy_failed(self.now, &copy, "it is full")),
            Job::SetAside(aside) => aside.row.iter().for_each(|seq| self.core.rows.given_up(*seq)),
        }
    }
}
