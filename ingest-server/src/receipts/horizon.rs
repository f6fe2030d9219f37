//! How far back the memory reaches, and what that says of an id that it does not hold.
//! The id's own time is read against its sender's clock, so that a wrong clock does no harm.

use footfall_event_model::{ReceiptStatus, uuid_v7_ms};

/// The reach of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizon {
    /// Of what was received up to then, in Unix milliseconds, some ids may have been given up or lost.
    pub(super) at: i64,
    /// Whether any id ever was.
    pub(super) lossy: bool,
}

impl Horizon {
    /// An id that was received up to then is gone.
    pub(super) fn raise(&mut self, at: i64) {
        self.at = self.at.max(at);
        self.lossy = true;
    }

    /// What is said of an id that is not held, in a request that was made at `sent_at` by its sender's clock and
    /// received at `received_at` by ours.
    pub(super) fn judge(&self, batch_id: &str, sent_at: Option<i64>, received_at: i64) -> ReceiptStatus {
        let gone = match age(batch_id, sent_at, received_at) {
            Some(age) => received_at.saturating_sub(age) <= self.at,
            None => self.lossy,
        };
        if gone { ReceiptStatus::Expired } else { ReceiptStatus::Unseen }
    }
}

/// How old a batch is, in milliseconds by its sender's clock; `None` where its id does not tell.
pub(super) fn age(batch_id: &str, sent_at: Option<i64>, received_at: i64) -> Option<i64> {
    // An id cannot be younger than the request that asks for it: such a clock was set back, and tells nothing.
    uuid_v7_ms(batch_id)
        .and_then(|made_at| sent_at.unwrap_or(received_at).checked_sub_unsigned(made_at))
        .filter(|age| *age >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReceiptStatus::{Expired, Unseen};
    use footfall_event_model::uuid_v7;

    fn id(made_at: u64) -> String {
        uuid_v7(made_at, &[7; 10])
    }

    #[test]
    fn an_id_made_before_the_horizon_is_expired_whatever_its_senders_clock_says() {
        let horizon = Horizon { at: 1_000_000, lossy: false };
        for (ahead, name) in [(0_i64, "right"), (500_000, "ahead"), (-500_000, "behind")] {
            let sender = |ours: i64| (ours + ahead).unsigned_abs();
            let sent_at = Some(1_200_000 + ahead);
            assert_eq!(horizon.judge(&id(sender(999_999)), sent_at, 1_200_000), Expired, "{name}");
            assert_eq!(horizon.judge(&id(sender(1_000_000)), sent_at, 1_200_000), Expired, "{name}");
            assert_eq!(horizon.judge(&id(sender(1_000_001)), sent_at, 1_200_000), Unseen, "{name}");
        }
        assert_eq!(horizon.judge(&id(999_999), None, 1_200_000), Expired, "without sent_at our clock counts");
    }

    #[test]
    fn an_id_that_tells_no_age_is_expired_once_anything_was_lost() {
        let mut horizon = Horizon { at: 1_000, lossy: false };
        let odd = ["b1", "", "00000000-0000-4000-8000-000000000000", &id(99_999_999), &id((1 << 48) - 1)];
        for id in odd {
            assert_eq!(horizon.judge(id, Some(5_000), 5_000), Unseen, "{id}");
        }
        horizon.raise(500);
        assert_eq!(horizon.at, 1_000, "a horizon never goes back");
        for id in odd {
            assert_eq!(horizon.judge(id, Some(5_000), 5_000), Expired, "{id}");
        }
        assert_eq!(horizon.judge(&id(1), Some(i64::MIN), i64::MIN), Expired, "no number overflows");
        assert_eq!(horizon.judge(&id(1), Some(i64::MAX), i64::MIN), Expired);
    }
}
