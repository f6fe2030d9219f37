//! The pace of probes while something is down: 1, 2, 4, then every 8 seconds, or a shorter wait where readiness hangs on it.
//! What is probed is its user's business.

use std::time::Duration;

/// What readiness hangs on is looked at so often that it is right within 3 seconds.
const READINESS: Duration = Duration::from_secs(2);

/// Counts the probes of one outage.
#[derive(Debug)]
pub(crate) struct Pace {
    probes: u32,
    longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { probes: 0, longest: Duration::from_secs(8) }
    }
}

impl Pace {
    /// The pace at which that is looked at of which alone it hangs whether the server is ready.
    pub(crate) fn of_readiness() -> Self {
        Self { longest: READINESS, ..Self::default() }
    }

    /// How long to wait before the next probe of this outage.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = Duration::from_secs(1 << self.probes.min(3)).min(self.longest);
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

    #[test]
    fn readiness_is_looked_at_every_two_seconds() {
        let mut pace = Pace::of_readiness();
        assert_eq!([(); 4].map(|()| pace.next_wait().as_secs()), [1, 2, 2, 2]);
    }
}
