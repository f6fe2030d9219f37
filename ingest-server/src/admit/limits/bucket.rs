//! A token bucket as one number: the time at which it will be full again (the generic cell rate algorithm, as ATM's
//! traffic management has it). No clock and no store here, so that memory and Redis can both hold that number.

use super::Rate;

const SECOND: u64 = 1_000_000_000;

/// What a bucket answers, and what its owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What may come at once where nothing came before.
    pub limit: u32,
    /// What may still come at once.
    pub remaining: u32,
    /// Nanoseconds until all of `limit` may come at once again.
    pub reset_ns: u64,
    /// Nanoseconds until what was asked for may come; 0 where it may come now.
    pub wait_ns: u64,
}

/// The arithmetic of one rate; times are nanoseconds on any one clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    interval: u64,
    depth: u64,
    limit: u32,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        let interval = SECOND / u64::from(rate.per_second.max(1));
        Self { interval, depth: interval.saturating_mul(u64::from(rate.burst)), limit: rate.burst }
    }

    /// How many tokens may be taken at once.
    pub(super) fn burst(&self) -> u32 {
        self.limit
    }

    /// Nanoseconds of one token, and of a full bucket.
    pub(super) fn rate(&self) -> [u64; 2] {
        [self.interval, self.depth]
    }

    /// Takes `tokens`, or tells how long to wait: the quota, and when the bucket will be full.
    pub(super) fn take(&self, full_at: u64, now: u64, tokens: u32) -> (Quota, u64) {
        let begun = full_at.max(now);
        let then = begun.saturating_add(self.interval.saturating_mul(u64::from(tokens)));
        let missing = (then - now).saturating_sub(self.depth);
        let full_at = if missing == 0 { then } else { begun };
        (self.quota(full_at, now, missing), full_at)
    }

    /// What is said of a bucket, from its time and what was missing.
    pub(super) fn quota(&self, full_at: u64, now: u64, wait_ns: u64) -> Quota {
        let reset_ns = full_at.saturating_sub(now);
        let remaining = self.depth.saturating_sub(reset_ns) / self.interval;
        Quota { limit: self.limit, remaining: remaining as u32, reset_ns, wait_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let bucket = Bucket::new(Rate { per_second: 10, burst: 3 });
        let (mut full_at, now) = (0, 5 * SECOND);
        for left in [2, 1, 0] {
            let (quota, then) = bucket.take(full_at, now, 1);
            assert_eq!((quota.wait_ns, quota.remaining, quota.limit), (0, left, 3));
            full_at = then;
        }
        let (refused, unchanged) = bucket.take(full_at, now, 1);
        assert_eq!((refused.wait_ns, refused.remaining), (SECOND / 10, 0));
        assert_eq!((unchanged, refused.reset_ns), (full_at, 3 * SECOND / 10), "a refusal takes nothing");
        let (quota, _) = bucket.take(full_at, now + SECOND / 10, 1);
        assert_eq!(quota.wait_ns, 0, "after the wait that was told it passes");
    }

    proptest! {
        #[test]
        fn no_more_passes_than_burst_and_rate_allow_and_a_told_wait_suffices(
            per_second in 1u32..1_000_000, burst in 1u32..5_000,
            asks in prop::collection::vec((0u64..2 * SECOND, 1u32..600), 1..60),
        ) {
            let bucket = Bucket::new(Rate { per_second, burst });
            let (mut now, mut full_at, mut passed) = (SECOND, 0, 0u64);
            for (pause, tokens) in asks {
                now += pause;
                let (quota, then) = bucket.take(full_at, now, tokens);
                if quota.wait_ns == 0 {
                    passed += u64::from(tokens);
                    full_at = then;
                } else if tokens <= burst {
                    prop_assert_eq!(bucket.take(full_at, now + quota.wait_ns, tokens).0.wait_ns, 0);
                }
                let interval = SECOND / u64::from(per_second);
                prop_assert!(passed <= u64::from(burst) + (now - SECOND) / interval + 1);
                prop_assert!(quota.remaining <= burst);
            }
        }
    }
}
