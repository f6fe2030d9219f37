//! The bound in bytes over everything that is not yet durable.
//! It refuses and never waits; who is asked to come back later, and when, is the caller's to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory that unacknowledged records may take.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    held_records: AtomicUsize,
}

impl MemoryBudget {
    pub(crate) fn new(limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self { limit_bytes, used_bytes: AtomicUsize::new(0), held_records: AtomicUsize::new(0) })
    }

    /// Takes `bytes` at once, or says how much is in use.
    pub(crate) fn try_reserve(self: &Arc<Self>, bytes: usize, records: usize) -> Result<Reservation, usize> {
        self.used_bytes
            .try_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|total| *total <= self.limit_bytes)
            })
            .map(|_| {
                self.held_records.fetch_add(records, Ordering::Relaxed);
                Reservation { budget: Arc::clone(self), bytes, records }
            })
    }

    pub(crate) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Acquire)
    }

    pub(crate) fn held_records(&self) -> usize {
        self.held_records.load(Ordering::Relaxed)
    }
}

/// A share of the budget; dropping it gives the share back.
#[derive(Debug)]
#[must_use = "the share is given back when this is dropped"]
pub(crate) struct Reservation {
    budget: Arc<MemoryBudget>,
    bytes: usize,
    records: usize,
}

impl Reservation {
    pub(crate) fn records(&self) -> usize {
        self.records
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.held_records.fetch_sub(self.records, Ordering::Relaxed);
        self.budget.used_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_exact_and_a_dropped_share_is_free_again() {
        let budget = MemoryBudget::new(100);
        let first = budget.try_reserve(60, 3).unwrap();
        assert_eq!(budget.try_reserve(41, 1).unwrap_err(), 60);
        let second = budget.try_reserve(40, 1).unwrap();
        assert_eq!((budget.used_bytes(), budget.held_records()), (100, 4));
        drop(first);
        assert_eq!((budget.used_bytes(), budget.held_records()), (40, 1));
        drop(second);
        assert_eq!((budget.used_bytes(), budget.held_records()), (0, 0));
    }

    #[test]
    fn a_size_near_the_end_of_the_number_range_is_refused_not_wrapped() {
        let budget = MemoryBudget::new(usize::MAX - 1);
        let _held = budget.try_reserve(10, 1).unwrap();
        assert!(budget.try_reserve(usize::MAX - 5, 1).is_err());
    }

    #[test]
    fn racing_threads_never_exceed_the_bound() {
        let budget = MemoryBudget::new(10);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        if let Ok(share) = budget.try_reserve(3, 1) {
                            assert!(budget.used_bytes() <= 10);
                            drop(share);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.used_bytes(), 0);
    }
}
