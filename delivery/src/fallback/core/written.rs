//! What a transaction of the journal is to hold, and what follows once it is written, or could not be.
//! Callers who wait for a copy are answered here.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{CommitPlan, CopyJob, Core};
use crate::completion::AppendResult;
use crate::error::DeliveryError;
use crate::fallback::in_flight::{InFlight, Waiter};

impl<W: Waiter> Core<W> {
    /// What a transaction is to hold. Taken at once: an offset stands for all that Kafka acknowledged up to it, so a
    /// record that is copied in the same transaction must still be open.
    pub(crate) fn begin_commit<'a>(&mut self, copies: impl Iterator<Item = &'a CopyJob>) -> CommitPlan {
        CommitPlan {
            delete: self.rows.take_delivered(),
            offsets: self.offsets.take(),
            copies: copies.map(|job| self.flight(job).map(|one| one.open()).unwrap_or_default()).collect(),
        }
    }

    /// The rest of a transaction was not written.
    pub(crate) fn commit_failed(&mut self, plan: &CommitPlan) {
        self.rows.not_deleted(&plan.delete);
        if !plan.offsets.is_empty() {
            self.offsets.not_kept();
        }
    }

    fn flight(&mut self, job: &CopyJob) -> Option<&mut InFlight<W>> {
        self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id)
    }

    /// A batch that came while Kafka was away was written to these rows.
    pub(crate) fn fresh_written(&mut self, rows: RangeInclusive<i64>) {
        self.fresh -= 1;
        self.rows.committed(rows);
    }

    pub(crate) fn fresh_failed(&mut self) {
        self.fresh -= 1;
    }

    /// The records of these numbers were copied to rows from `first` on: whoever waits is answered.
    pub(crate) fn copied(
        &mut self,
        job: &CopyJob,
        copied: &[usize],
        first: i64,
    ) -> Option<(W, Option<AppendResult>)> {
        if !copied.is_empty() {
            self.rows.committed_held(first..=first + copied.len() as i64 - 1);
        }
        let Some(one) = self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id) else {
            (first..).zip(copied).for_each(|(seq, _)| self.rows.delivered(seq));
            return None;
        };
        one.copying = false;
        for (index, seq, settled) in one.copied(copied, first) {
            if settled {
                self.rows.delivered(seq);
            } else if one.given_up.contains(&index) {
                self.rows.given_up(seq);
                one.settled += 1;
            }
        }
        one.given_up.clear();
        one.answer_copied();
        self.end(job.slot)
    }

    /// The journal did not take the copy. The producer goes on, but nobody waits for it any longer.
    pub(crate) fn copy_failed(
        &mut self,
        now: Duration,
        job: &CopyJob,
        reason: &str,
    ) -> Option<(W, Option<AppendResult>)> {
        let one = self.in_flight.get_mut(job.slot).filter(|one| one.id == job.id)?;
        one.copying = false;
        let open = one.open().len();
        one.settled += one.given_up.len();
        one.given_up.clear();
        self.totals.possible_duplicates += open as u64;
        let reason = format!("Kafka does not answer, and {reason}");
        one.answer(Err(DeliveryError::TimedOut { after: now.saturating_sub(one.taken), reason }));
        self.end(job.slot)
    }

    /// A refused record was moved from its row to another one, where it waits as a dead letter.
    pub(crate) fn moved(&mut self, row: Option<i64>, to: RangeInclusive<i64>) {
        self.rows.committed(to);
        if let Some(seq) = row {
            self.rows.delivered(seq);
        }
    }
}
