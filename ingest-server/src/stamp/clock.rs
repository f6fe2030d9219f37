//! When an event happened, by our clock: what its sender's clock says, put right where that is wrong by more than a
//! request's way can explain. What the sender said is kept beside it, and a time that cannot be is flagged, not lost.

use footfall_event_model::TimeFlag;

/// The longest that a request may be on its way: it queues in a browser, a phone's network and a proxy.
const TRANSIT_MS: i64 = 60_000;
/// No way leads into the past; so much is the tolerance of clocks that are set right.
const AHEAD_MS: i64 = 1_000;
/// Later than this is flagged, and what is a day off is no time at all.
const FUTURE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Longer ago than a page keeps what it could not send, and than most consumers look back.
const OLD_MS: i64 = 30 * DAY_MS;
/// 2000-01-01: nothing that sends events is older.
const EARLIEST_MS: i64 = 946_684_800_000;

/// The clock of one request's sender, beside ours.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    received_at: i64,
    skew: Option<i64>,
}

/// A time by our clock, all in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// When it happened.
    pub timestamp: i64,
    /// What the sender said, where that is another time.
    pub original: Option<i64>,
    /// What is odd about it.
    pub flag: Option<TimeFlag>,
}

impl Clock {
    /// The clock of a sender who made a request at `sent_at` by its own clock that we received at `received_at`.
    pub fn new(sent_at: Option<i64>, received_at: i64) -> Self {
        let skew = sent_at.and_then(|sent_at| received_at.checked_sub(sent_at));
        Self { received_at, skew: skew.filter(|skew| !(-AHEAD_MS..=TRANSIT_MS).contains(skew)) }
    }

    /// How far the sender's clock is behind ours, in milliseconds, where times are put right by it.
    pub fn skew_ms(&self) -> Option<i64> {
        self.skew
    }

    /// When an event happened; the receive time where the sender does not say.
    pub fn place(&self, said: Option<i64>) -> Placed {
        let Some(said) = said else {
            return Placed { timestamp: self.received_at, original: None, flag: None };
        };
        let right = said.saturating_add(self.skew.unwrap_or_default());
        let ahead = right.saturating_sub(self.received_at);
        let (timestamp, flag) = if right < EARLIEST_MS || ahead > DAY_MS {
            (self.received_at, Some(TimeFlag::Implausible))
        } else if ahead > FUTURE_MS {
            (right, Some(TimeFlag::Future))
        } else if ahead < -OLD_MS {
            (right, Some(TimeFlag::Old))
        } else {
            (right, None)
        };
        Placed { timestamp, original: Some(said).filter(|said| *said != timestamp), flag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_458_876_617;

    /// What becomes of an event of a second before its request, which was made that much before or after we got it.
    fn placed(sent_before: i64) -> Placed {
        let sent_at = NOW - sent_before;
        Clock::new(Some(sent_at), NOW).place(Some(sent_at - 1_000))
    }

    #[test]
    fn a_clock_is_put_right_only_where_no_way_explains_it() {
        for explained in [-1_000, 0, 50, 60_000] {
            let said = NOW - explained - 1_000;
            assert_eq!(placed(explained), Placed { timestamp: said, original: None, flag: None });
        }
        for skew in [-1_001, 60_001, 3_600_000, -3_600_000, NOW, NOW - 86_400_000 * 365] {
            let said = NOW - skew - 1_000;
            let right = Placed { timestamp: NOW - 1_000, original: Some(said), flag: None };
            assert_eq!(placed(skew), right, "{skew}");
        }
    }

    #[test]
    fn what_cannot_be_is_flagged_and_kept() {
        let clock = Clock::new(Some(NOW), NOW);
        for (said, timestamp, flag) in [
            (NOW + 60_000, NOW + 60_000, None),
            (NOW + 60_001, NOW + 60_001, Some(TimeFlag::Future)),
            (NOW + DAY_MS + 1, NOW, Some(TimeFlag::Implausible)),
            (NOW - OLD_MS, NOW - OLD_MS, None),
            (NOW - OLD_MS - 1, NOW - OLD_MS - 1, Some(TimeFlag::Old)),
            (0, NOW, Some(TimeFlag::Implausible)),
            (-5, NOW, Some(TimeFlag::Implausible)),
            (i64::MAX, NOW, Some(TimeFlag::Implausible)),
        ] {
            let placed = clock.place(Some(said));
            assert_eq!((placed.timestamp, placed.flag), (timestamp, flag), "{said}");
            assert_eq!(placed.original, (said != timestamp).then_some(said));
        }
        assert_eq!(clock.place(None), Placed { timestamp: NOW, original: None, flag: None });
    }

    proptest! {
        #[test]
        fn no_times_make_it_fail_and_what_comes_out_is_a_time(sent_at: Option<i64>, said: Option<i64>) {
            let clock = Clock::new(sent_at, NOW);
            let placed = clock.place(said);
            prop_assert!((EARLIEST_MS..=NOW + DAY_MS).contains(&placed.timestamp));
            prop_assert_eq!(placed.original.or(said), said);
        }
    }
}
