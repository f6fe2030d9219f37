//! What a probe was told, held against what it had to be told: ready, but for the times in which a row let events be kept
//! nowhere. After each change it may take 3 s to be right.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long it may take to be right.
const WITHIN: Duration = Duration::from_secs(3);

/// An answer that a probe had over and over.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) first: Instant,
    pub(crate) last: Instant,
    /// Why it was not ready; `None` where it was.
    pub(crate) not_ready: Option<String>,
}

/// A time in which no ordinary event could be kept.
#[derive(Debug)]
pub(crate) struct Outage {
    /// It began somewhere within this.
    pub(crate) fails: RangeInclusive<Instant>,
    /// It ended somewhere within this; `None` where it lasts for as long as somebody looks.
    pub(crate) mends: Option<RangeInclusive<Instant>>,
    /// What is among the words of its reason.
    pub(crate) reason: &'static str,
}

impl Outage {
    /// Whether it could be seen at that moment.
    fn may_be_seen(&self, seen: &Sighting) -> bool {
        let over = self.mends.as_ref().is_some_and(|mends| seen.last > *mends.end() + WITHIN);
        seen.first >= *self.fails.start() && !over
    }

    /// Whether it had to be seen for some of this time.
    fn must_be_seen(&self, seen: &Sighting) -> bool {
        let over = self.mends.as_ref().is_some_and(|mends| seen.first > *mends.start());
        seen.last > *self.fails.end() + WITHIN && !over
    }
}

/// What was wrong, in words.
pub(crate) fn wrong(sightings: &[Sighting], outages: &[Outage]) -> Vec<String> {
    let mut wrong = Vec::new();
    for seen in sightings {
        let lasted = seen.last - seen.first;
        let due = outages.iter().find(|outage| outage.must_be_seen(seen));
        match &seen.not_ready {
            None if due.is_some() => {
                wrong.push(format!("it was ready for {lasted:?} and more than 3 s too long"))
            }
            Some(reason) if !outages.iter().any(|outage| outage.may_be_seen(seen)) => {
                wrong.push(format!("it was not ready for {lasted:?}, though it took events: {reason}"));
            }
            Some(reason) if due.is_some_and(|outage| !reason.contains(outage.reason)) => {
                wrong.push(format!("it was not ready for another reason: {reason}"));
            }
            _ => {}
        }
    }
    wrong
}

/// How long it was not ready.
pub(crate) fn not_ready(sightings: &[Sighting]) -> Duration {
    sightings.iter().filter(|seen| seen.not_ready.is_some()).map(|seen| seen.last - seen.first).sum()
}
