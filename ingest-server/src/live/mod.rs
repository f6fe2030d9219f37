//! The live view: what was just accepted and refused, for whoever watches now.
//! There is one bounded store that watchers read by number: none holds memory, none is waited for, and one who is too
//! slow is told how much was missed.

mod shown;

pub(crate) use shown::Visible;
pub use shown::{Kind, Site};

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Events that are kept.
const KEPT_EVENTS: usize = 1000;
/// Their bytes at most.
const KEPT_BYTES: usize = 4 << 20;

/// One thing that is shown.
#[derive(Debug)]
pub struct LiveEvent {
    /// What it is.
    pub kind: Kind,
    /// The site.
    pub write_key: Arc<str>,
    /// The browser, where the sender said.
    pub anonymous_id: Option<Arc<str>>,
    /// A line of JSON: the record, or why it was refused.
    pub data: Bytes,
}

/// An event and its number, which rises from event to event and from one start of the server to the next,
/// so that a watcher who comes back after a restart misses nothing.
pub type Numbered = (u64, Arc<LiveEvent>);

/// What was just accepted and refused.
#[derive(Debug)]
pub struct Live {
    sites: BTreeMap<String, Site>,
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    events: VecDeque<Numbered>,
    bytes: usize,
    last: u64,
}

impl Live {
    /// A live view of these sites.
    ///
    /// The microseconds since 1970 are a first number that no earlier start has reached: that would have taken a
    /// million events a second from then on.
    pub fn new(write_keys: &BTreeSet<String>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::numbered_from(now.map_or(0, |now| now.as_micros() as u64), write_keys)
    }

    fn numbered_from(last: u64, write_keys: &BTreeSet<String>) -> Self {
        Self {
            sites: write_keys.iter().map(|key| (key.clone(), Site::new(key))).collect(),
            kept: Mutex::new(Kept { events: VecDeque::new(), bytes: 0, last }),
            last: watch::Sender::new(last),
        }
    }

    /// The site of a write key.
    pub fn site(&self, write_key: &str) -> Option<&Site> {
        self.sites.get(write_key)
    }

    /// Whether the accepted events of a batch are shown: all of them to whoever watches. While nobody does, so many
    /// are kept that a quiet site's last ones are there for who comes late, and a busy one pays nothing.
    pub fn shows(&self, site: &Site) -> bool {
        self.last.receiver_count() > 0 || site.keeps_unwatched()
    }

    /// Shows events to all watchers and keeps them for those who come late.
    pub fn publish(&self, events: impl IntoIterator<Item = LiveEvent>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_none() {
            return;
        }
        let mut kept = self.lock();
        for event in events {
            kept.push(event);
        }
        self.last.send_replace(kept.last);
    }

    /// The first event that is kept after the one numbered `after`, and how many between the two are gone.
    pub fn next(&self, after: u64) -> Option<(Numbered, u64)> {
        let kept = self.lock();
        // Numbers have no gap, so the place of a number is its distance from the first.
        let first = kept.events.front()?.0;
        let wanted = after.saturating_add(1).max(first);
        let found = kept.events.get((wanted - first) as usize)?.clone();
        Some((found, if after == 0 { 0 } else { wanted.saturating_sub(after + 1) }))
    }

    /// The number after which the last `count` events of those stand that `wanted` names.
    pub fn last(&self, count: usize, wanted: impl Fn(&LiveEvent) -> bool) -> u64 {
        let kept = self.lock();
        let mut left = count;
        for (number, event) in kept.events.iter().rev() {
            if left == 0 {
                return *number;
            }
            left -= usize::from(wanted(event));
        }
        kept.events.front().map_or(kept.last, |(first, _)| first - 1)
    }

    /// Tells of the number of the newest event whenever it changes.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, event: LiveEvent) {
        self.last += 1;
        self.bytes += event.data.len();
        self.events.push_back((self.last, Arc::new(event)));
        while self.events.len() > KEPT_EVENTS || self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.events.pop_front() else { break };
            self.bytes -= oldest.data.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> LiveEvent {
        Site::new("pk").accepted(None, Bytes::from(vec![b'x'; bytes]))
    }

    /// All that a watcher sees who was at `after`, and how much was gone.
    fn seen(live: &Live, mut after: u64) -> (Vec<u64>, u64) {
        let (mut numbers, mut gone) = (Vec::new(), 0);
        while let Some(((number, _), missed)) = live.next(after) {
            numbers.push(number);
            gone += missed;
            after = number;
        }
        (numbers, gone)
    }

    #[test]
    fn of_a_busy_site_that_nobody_watches_only_some_batches_are_kept() {
        let live = Live::numbered_from(0, &BTreeSet::new());
        let site = Site::new("pk");
        let shown = || (0..1000).filter(|_| live.shows(&site)).count();
        assert!((1..1000).contains(&shown()));
        let _watcher = live.news();
        assert_eq!(shown(), 1000);
    }

    #[test]
    fn a_watcher_sees_each_event_once_from_where_it_was() {
        let live = Live::numbered_from(0, &BTreeSet::new());
        let news = live.news();
        live.publish(vec![event(1), event(1)]);
        assert_eq!(seen(&live, 0), (vec![1, 2], 0));
        assert_eq!(seen(&live, 1), (vec![2], 0));
        assert_eq!((live.last(0, |_| true), live.last(1, |_| true), live.last(9, |_| true)), (2, 1, 0));
        live.publish(vec![event(1)]);
        assert!(news.has_changed().unwrap());
        assert_eq!(seen(&live, 2), (vec![3], 0));
    }

    #[test]
    fn what_is_kept_is_bounded_and_a_slow_watcher_is_told_what_it_missed() {
        let live = Live::numbered_from(0, &BTreeSet::new());
        live.publish((0..KEPT_EVENTS + 5).map(|_| event(1)));
        assert_eq!(seen(&live, 0).0.len(), KEPT_EVENTS);
        assert_eq!(seen(&live, 2).1, 3);
        live.publish((0..200).map(|_| event(32 << 10)));
        assert_eq!(seen(&live, 0).0.len(), KEPT_BYTES / (32 << 10));
    }
}
