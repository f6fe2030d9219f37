//! When a batch is sent again: 1-2-4-8 s with full jitter, and never before the server's own word.
//! Which outcomes deserve another attempt is told here too; keeping the batch is the outbox's part.

use super::Outcome;

const FIRST_MS: u64 = 1_000;
const DOUBLINGS: u32 = 3;
/// A server's word is believed up to here, so that a wrong header cannot silence a tab for days.
const LONGEST_MS: u64 = 3_600_000;

/// How long to wait after `attempts` failed ones, in milliseconds.
///
/// Full jitter, so that the browsers that one outage met do not come back in step
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub(super) fn delay_ms(attempts: u32, retry_after_ms: Option<u64>, random: &mut fastrand::Rng) -> u64 {
    let ceiling = FIRST_MS << attempts.saturating_sub(1).min(DOUBLINGS);
    let jitter = u64::from(random.u32(0..=ceiling as u32));
    match retry_after_ms {
        // Jitter on top: what was refused together must not return together.
        Some(asked) => asked.min(LONGEST_MS) + jitter / 4,
        None => jitter,
    }
}

/// What an outcome means for the batch.
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

pub(super) fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Unreachable => Verdict::Again,
        Outcome::Answered { status, .. } => match status {
            200..=299 => Verdict::Taken,
            413 => Verdict::TooLarge,
            408 | 425 | 429 => Verdict::Again,
            400..=499 => Verdict::Refused,
            _ => Verdict::Again,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_1_2_4_8_seconds() {
        let mut random = fastrand::Rng::with_seed(1);
        for (attempts, ceiling) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (40, 8_000)] {
            let longest = (0..2_000).map(|_| delay_ms(attempts, None, &mut random)).max().unwrap();
            assert!(longest <= ceiling && longest > ceiling * 9 / 10, "{attempts}: {longest}");
        }
    }

    #[test]
    fn the_servers_word_is_kept_and_bounded() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..100 {
            assert!(delay_ms(1, Some(3_000), &mut random) >= 3_000);
            assert!(delay_ms(4, Some(u64::MAX), &mut random) <= LONGEST_MS + 2_000);
        }
    }

    #[test]
    fn only_failures_that_may_pass_are_tried_again() {
        let of = |status| verdict(&Outcome::Answered { status, retry_after_ms: None, retry: vec![] });
        for status in [0, 302, 408, 425, 429, 500, 503, 599] {
            assert_eq!(of(status), Verdict::Again, "{status}");
        }
        for status in [400, 401, 403, 404, 415, 422] {
            assert_eq!(of(status), Verdict::Refused, "{status}");
        }
        assert_eq!(of(200), Verdict::Taken);
        assert_eq!(of(413), Verdict::TooLarge);
        assert_eq!(verdict(&Outcome::Unreachable), Verdict::Again);
    }
}
