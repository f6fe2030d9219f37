//! What waits for the journal's writer. Its bound is the memory budget that each batch has already been
//! charged to; it refuses only when closed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::Job;

/// How long rows that may be deleted wait for company.
const TIDY_AFTER: Duration = Duration::from_millis(20);

/// What the writer is woken for.
#[derive(Debug)]
pub(super) enum Work {
    /// Jobs to commit together, oldest first.
    Group(Vec<Job>),
    /// Nothing but rows to delete.
    Tidy,
    /// The given moment has come.
    ProbeDue,
    /// Closed and empty.
    Closed,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    tidy_at: Option<Instant>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, or hands it back when closed.
    pub(crate) fn push(&self, job: Job) -> Result<(), Box<Job>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Box::new(job));
        }
        state.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Some rows may be deleted: with the next group, or soon without one.
    pub(crate) fn tidy_soon(&self) {
        let mut state = self.lock();
        if state.tidy_at.is_none() {
            state.tidy_at = Some(Instant::now() + TIDY_AFTER);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Takes no more; what waits is still given out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for work; a group ends at the batch that reaches `group_bytes`. While both a probe and a batch are
    /// due the probe goes first, else a steady stream of refused batches would put it off for ever.
    pub(super) fn take(&self, group_bytes: usize, probe_at: Option<Instant>) -> Work {
        let mut state = self.lock();
        loop {
            let until_probe = probe_at.map(|at| at.saturating_duration_since(Instant::now()));
            if until_probe.is_some_and(|wait| wait.is_zero()) && !state.closed {
                return Work::ProbeDue;
            }
            if !state.waiting.is_empty() {
                // What is to be deleted goes with it.
                state.tidy_at = None;
                return Work::Group(take_group(&mut state.waiting, group_bytes));
            }
            let until_tidy = state.tidy_at.map(|at| at.saturating_duration_since(Instant::now()));
            if until_tidy.is_some_and(|wait| wait.is_zero() || state.closed) {
                state.tidy_at = None;
                return Work::Tidy;
            }
            if state.closed {
                return Work::Closed;
            }
            state = match until_probe.into_iter().chain(until_tidy).min() {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

fn take_group(waiting: &mut VecDeque<Job>, group_bytes: usize) -> Vec<Job> {
    let mut bytes = 0;
    let fits = waiting.iter().take_while(|next| {
        let room = bytes < group_bytes;
        bytes += next.size_bytes();
        room
    });
    let count = fits.count();
    waiting.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::budget::MemoryBudget;
    use crate::completion::Completion;
    use crate::record::{Batch, Record};
    use crate::stats::Counters;

    fn waiting(payload: &'static [u8]) -> Job {
        let batch = Batch::new(vec![Record { payload: Bytes::from_static(payload), ..Record::default() }]);
        let budget = MemoryBudget::new(1 << 20);
        let share = budget.try_reserve(batch.size_bytes(), batch.len()).unwrap();
        let (completion, _) = Completion::new(share, Arc::new(Counters::default()));
        Job::Store { batch, completion }
    }

    fn group(work: Work) -> usize {
        match work {
            Work::Group(group) => group.len(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_ends_at_its_byte_bound_and_holds_at_least_one_batch() {
        let queue = Queue::default();
        let size = waiting(b"1").size_bytes();
        for payload in [b"1", b"2", b"3", b"4"] {
            queue.push(waiting(payload)).unwrap();
        }
        assert_eq!(group(queue.take(2 * size, None)), 2);
        assert_eq!(group(queue.take(1, None)), 1);
        assert_eq!(group(queue.take(usize::MAX, None)), 1);
    }

    #[test]
    fn a_closed_queue_gives_out_what_waits_and_takes_no_more() {
        let queue = Queue::default();
        queue.push(waiting(b"1")).unwrap();
        queue.close();
        assert!(queue.push(waiting(b"2")).is_err());
        assert_eq!(group(queue.take(1, None)), 1);
        assert!(matches!(queue.take(1, Some(Instant::now())), Work::Closed));
    }

    #[test]
    fn rows_to_delete_wait_a_little_and_go_with_a_group_where_there_is_one() {
        let queue = Queue::default();
        queue.tidy_soon();
        queue.push(waiting(b"1")).unwrap();
        assert_eq!(group(queue.take(1, None)), 1);
        queue.tidy_soon();
        let asked = Instant::now();
        assert!(matches!(queue.take(1, None), Work::Tidy));
        assert!(asked.elapsed() >= TIDY_AFTER / 2);
        // What is left at the end is not waited for.
        queue.tidy_soon();
        queue.close();
        assert!(matches!(queue.take(1, None), Work::Tidy));
        assert!(matches!(queue.take(1, None), Work::Closed));
    }

    #[test]
    fn a_due_probe_is_not_put_off_by_batches() {
        let queue = Queue::default();
        queue.push(waiting(b"1")).unwrap();
        assert!(matches!(queue.take(1, Some(Instant::now())), Work::ProbeDue));
    }
}
