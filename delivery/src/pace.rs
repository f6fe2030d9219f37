//! The pace of probes while something is down: 1, 2, 4, then every 8 seconds.
//! What is probed is its user's business.

use std::time::Duration;

/// Counts the probes of one outage.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    probes: u32,
}

impl Pace {
    /// How long to wait before the next probe of this outage.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = Duration::from_secs(1 << self.probes.min(3));
        self.probes = self.probes.saturating_add(1);
        wait
    }

    /// The outage is over.
    pub(crate) fn reset(&mut self) {
        self.probes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_eight_seconds_and_start_over_after_an_outage() {
        let mut pace = Pace::default();
        let waits: Vec<u64> = (0..6).map(|_| pace.next_wait().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        pace.reset();
        assert_eq!(pace.next_wait().as_secs(), 1);
    }
}
