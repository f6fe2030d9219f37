//! When the server is tried again: 1-2-4-8 s with full jitter, never before the server's own word, and after repeated
//! failure only once a minute. Which answers deserve another attempt is told here too; keeping the batch is not.

use super::random::Random;

const FIRST_MS: u32 = 1_000;
const DOUBLINGS: u32 = 3;
/// The circuit opens after this many failures in a row: from then on each attempt is a probe.
pub(super) const CIRCUIT_FAILURES: u32 = 10;
const PROBE_MS: u64 = 60_000;
/// A server's word is believed up to here, so that a wrong header cannot silence a tab for days.
const LONGEST_MS: u64 = 3_600_000;

/// How long to wait after `failures` in a row, in milliseconds, where the server asked for `asked_ms` (or 0).
///
/// Full jitter, so that the browsers that one outage met do not come back in step
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>); it comes on top of the server's word,
/// for what was refused together must not return together.
pub(super) fn delay_ms(failures: u32, asked_ms: u64, random: &mut Random) -> u64 {
    let ceiling = FIRST_MS << failures.saturating_sub(1).min(DOUBLINGS);
    let least = if failures < CIRCUIT_FAILURES { 0 } else { PROBE_MS };
    asked_ms.clamp(least, LONGEST_MS) + random.below(ceiling)
}

/// What an answer means for the batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken, but for the events named to be sent again.
    Taken,
    /// Send the same batch again.
    Again,
    /// Send it in two halves.
    TooLarge,
    /// Sending it again would change nothing.
    Refused,
}

pub(super) fn verdict(status: usize) -> Verdict {
    match status {
        200..=299 => Verdict::Taken,
        413 => Verdict::TooLarge,
        408 | 425 | 429 => Verdict::Again,
        400..=499 => Verdict::Refused,
        _ => Verdict::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_1_2_4_8_seconds() {
        let mut random = Random::new(1);
        for (failures, ceiling) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (7, 8_000)] {
            let longest = (0..2_000).map(|_| delay_ms(failures, 0, &mut random)).max().unwrap();
            assert!(longest <= ceiling && longest > ceiling * 9 / 10, "{failures}: {longest}");
        }
    }

    #[test]
    fn after_repeated_failure_the_server_is_probed_once_a_minute() {
        let mut random = Random::new(1);
        for failures in [CIRCUIT_FAILURES, 100] {
            assert!((60_000..=68_000).contains(&delay_ms(failures, 0, &mut random)));
        }
    }

    #[test]
    fn the_servers_word_is_kept_and_bounded() {
        let mut random = Random::new(2);
        for _ in 0..100 {
            assert!(delay_ms(1, 3_000, &mut random) >= 3_000);
            assert!(delay_ms(4, u64::MAX, &mut random) <= LONGEST_MS + 8_000);
        }
    }

    #[test]
    fn only_failures_that_may_pass_are_tried_again() {
        for status in [0, 302, 408, 425, 429, 500, 503, 599] {
            assert_eq!(verdict(status), Verdict::Again, "{status}");
        }
        for status in [400, 401, 403, 404, 415, 422] {
            assert_eq!(verdict(status), Verdict::Refused, "{status}");
        }
        assert_eq!(verdict(200), Verdict::Taken);
        assert_eq!(verdict(413), Verdict::TooLarge);
    }
}
