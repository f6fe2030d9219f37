//! Waits that are told to senders, spread so that those who were refused together do not come again together.
//! Steps of the golden ratio fill the range evenly whatever their number, which random numbers do only on average.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The wait and up to as much again.
pub(crate) fn spread(wait: Duration) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(STEP, Ordering::Relaxed);
    wait + wait.mul_f64(turn as f64 / (u64::MAX as f64 + 1.0))
}

/// The same in milliseconds, at least one.
pub(crate) fn spread_ms(wait: Duration) -> u64 {
    u64::try_from(spread(wait).as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_come_spread_over_the_whole_range_and_none_too_early() {
        let wait = Duration::from_secs(1);
        let mut tenths = [0; 10];
        for _ in 0..1000 {
            let more = spread(wait) - wait;
            tenths[more.as_millis() as usize / 100] += 1;
        }
        assert!(tenths.iter().all(|count| *count > 50), "{tenths:?}");
        assert!(spread(Duration::ZERO).is_zero());
    }
}
