//! What librdkafka carries for a record until it tells its fate: the number to tell it under, and the batch, whose values it
//! reads where they stand. A batch is lent once for all of its records, and kept until the last of them is told.
#![allow(
    unsafe_code,
    reason = "librdkafka carries one pointer for each record, and many records share a batch"
)]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdkafka::util::IntoOpaque;

use crate::record::Batch;

/// A record's share in the loan of its batch, given back when this is dropped.
pub(super) struct Lent(NonNull<Place>);

/// One record of a loan.
struct Place {
    number: usize,
    loan: NonNull<Loan>,
}

struct Loan {
    _batch: Arc<Batch>,
    /// Who still needs it: each record, and whoever hands them out.
    shares: AtomicUsize,
    places: Vec<Place>,
}

/// Hands out the shares in a batch, for its records in order.
pub(super) struct Lending {
    loan: NonNull<Loan>,
    next: usize,
}

impl Lending {
    /// Lends a batch; its first record is told under `first`, the others under the numbers behind it.
    pub(super) fn of(batch: &Arc<Batch>, first: usize) -> Self {
        let records = batch.len();
        let shares = AtomicUsize::new(records + 1);
        let loan = Box::new(Loan { _batch: Arc::clone(batch), shares, places: Vec::with_capacity(records) });
        let mut loan = NonNull::from(Box::leak(loan));
        let places = (first..first + records).map(move |number| Place { number, loan });
        // SAFETY: the loan was made just now, and nobody else has it yet.
        unsafe { loan.as_mut() }.places.extend(places);
        Self { loan, next: 0 }
    }
}

impl Iterator for Lending {
    type Item = Lent;

    fn next(&mut self) -> Option<Lent> {
        // SAFETY: a share of the loan is ours until this is dropped, and nothing changes its places.
        let place = unsafe { self.loan.as_ref() }.places.get(self.next)?;
        self.next += 1;
        Some(Lent(NonNull::from(place)))
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        // SAFETY: our share, and those that nobody was given, are given back here alone.
        unsafe {
            let left = self.loan.as_ref().places.len() - self.next;
            give_back(self.loan, left + 1);
        }
    }
}

impl Lent {
    /// The number that the record's fate is told under.
    pub(super) fn number(&self) -> usize {
        // SAFETY: the place lives as long as the loan does, of which this is a share.
        unsafe { self.0.as_ref() }.number
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: as above; the share is given back here alone, and nothing is used behind that.
        unsafe { give_back(self.0.as_ref().loan, 1) };
    }
}

// SAFETY: of a loan nothing changes but the count of its shares, which is atomic, and what it keeps may be used and
// dropped by any thread.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

const _: () = {
    const fn any_thread<T: Send + Sync>() {}
    any_thread::<Arc<Batch>>();
};

impl IntoOpaque for Lent {
    fn into_ptr(self) -> *mut c_void {
        let place = self.0.as_ptr();
        std::mem::forget(self);
        place.cast()
    }

    unsafe fn from_ptr(carried: *mut c_void) -> Self {
        // SAFETY: it is one that `into_ptr` gave, as the caller says, which is never null.
        Self(unsafe { NonNull::new_unchecked(carried.cast()) })
    }
}

/// Gives back so many shares; with the last one the loan ends.
///
/// # Safety
/// They are the caller's, who uses the loan no more.
unsafe fn give_back(loan: NonNull<Loan>, shares: usize) {
    // SAFETY: the loan lives until its last share is given back. Whoever gives that back sees all that others did before.
    unsafe {
        if loan.as_ref().shares.fetch_sub(shares, Ordering::AcqRel) == shares {
            drop(Box::from_raw(loan.as_ptr()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn batch(records: usize) -> Arc<Batch> {
        Arc::new(Batch::new(vec![Record::default(); records]))
    }

    #[test]
    fn a_batch_is_kept_until_the_last_of_its_records_is_told_in_whatever_order() {
        let batch = batch(3);
        let carried: Vec<_> = Lending::of(&batch, 7).map(Lent::into_ptr).collect();
        for (place, left) in [(1, 2), (2, 2), (0, 1)] {
            // SAFETY: each came from `into_ptr`, and is taken back once.
            let lent = unsafe { Lent::from_ptr(carried[place]) };
            assert_eq!((lent.number(), Arc::strong_count(&batch)), (7 + place, 2));
            drop(lent);
            assert_eq!(Arc::strong_count(&batch), left);
        }
    }

    #[test]
    fn what_is_not_handed_out_is_given_back_and_a_batch_of_none_is_not_kept() {
        for records in [0, 1, 3] {
            let batch = batch(records);
            let mut lending = Lending::of(&batch, 0);
            let first = lending.next();
            assert_eq!(first.is_some(), records > 0);
            drop(lending);
            assert_eq!(Arc::strong_count(&batch), 1 + records.min(1));
            drop(first);
            assert_eq!(Arc::strong_count(&batch), 1);
        }
    }

    #[test]
    fn threads_may_tell_of_one_batch_at_once() {
        let batch = batch(1_000);
        let (even, odd): (Vec<_>, Vec<_>) = Lending::of(&batch, 0).partition(|lent| lent.number() % 2 == 0);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(even));
            scope.spawn(|| drop(odd));
        });
        assert_eq!(Arc::strong_count(&batch), 1);
    }
}
