//! The live view: what was just accepted, as it stands in the store, for whoever watches now.
//! Memory is bounded and nobody is waited for: a watcher who is too slow is told how much was missed.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// Accepted events that are kept for a watcher who comes late.
const KEPT_EVENTS: usize = 1000;
/// Their bytes at most.
const KEPT_BYTES: usize = 4 << 20;
/// Batches that a watcher may be behind before the oldest are skipped.
const BEHIND_BATCHES: usize = 256;

/// One accepted event.
#[derive(Debug)]
pub struct LiveEvent {
    /// The browser, where the sender said.
    pub anonymous_id: Option<String>,
    /// The record's JSON text.
    pub record: Bytes,
}

/// An accepted event and its number, which rises from event to event and from one start of the server to the next,
/// so that a watcher who comes back after a restart misses nothing.
pub type Numbered = (u64, Arc<LiveEvent>);

/// What was just accepted.
#[derive(Debug)]
pub struct Live {
    kept: Mutex<Kept>,
    watchers: broadcast::Sender<Arc<[Numbered]>>,
}

#[derive(Debug)]
struct Kept {
    events: VecDeque<Numbered>,
    bytes: usize,
    last: u64,
}

impl Default for Live {
    fn default() -> Self {
        Self::numbered_from(
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_micros() as u64),
        )
    }
}

impl Live {
    /// The microseconds since 1970 are a first number that no earlier start has reached: that would have taken a
    /// million events a second from then on.
    fn numbered_from(last: u64) -> Self {
        let kept = Kept { events: VecDeque::new(), bytes: 0, last };
        Self { kept: Mutex::new(kept), watchers: broadcast::Sender::new(BEHIND_BATCHES) }
    }

    /// Shows events to all watchers and keeps them for those who come late.
    pub fn publish(&self, events: Vec<LiveEvent>) {
        if events.is_empty() {
            return;
        }
        // The lock is held while sending, so that a watcher who comes now sees each event once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: Arc<[Numbered]> = events.into_iter().map(|event| kept.push(event)).collect();
        // An error says that nobody watches.
        let _ = self.watchers.send(batch);
    }

    /// What is kept after the event numbered `after`, and all that comes from now on.
    pub fn watch(&self, after: u64) -> (Vec<Numbered>, broadcast::Receiver<Arc<[Numbered]>>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = kept.events.iter().filter(|(number, _)| *number > after).cloned().collect();
        (missed, self.watchers.subscribe())
    }
}

impl Kept {
    fn push(&mut self, event: LiveEvent) -> Numbered {
        self.last += 1;
        self.bytes += event.record.len();
        let numbered = (self.last, Arc::new(event));
        self.events.push_back(numbered.clone());
        while self.events.len() > KEPT_EVENTS || self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.events.pop_front() else { break };
            self.bytes -= oldest.record.len();
        }
        numbered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> LiveEvent {
        LiveEvent { anonymous_id: None, record: Bytes::from(vec![b'x'; bytes]) }
    }

    #[test]
    fn a_late_watcher_sees_what_is_kept_and_then_each_event_once() {
        let live = Live::numbered_from(0);
        live.publish(vec![event(1), event(1)]);
        let (missed, mut coming) = live.watch(1);
        assert_eq!(missed.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
        live.publish(vec![event(1)]);
        assert_eq!(coming.try_recv().unwrap()[0].0, 3);
        assert!(coming.try_recv().is_err());
    }

    #[test]
    fn what_is_kept_is_bounded_in_events_and_in_bytes() {
        let live = Live::default();
        live.publish((0..KEPT_EVENTS + 5).map(|_| event(1)).collect());
        assert_eq!(live.watch(0).0.len(), KEPT_EVENTS);
        live.publish((0..200).map(|_| event(32 << 10)).collect());
        let kept: usize = live.watch(0).0.iter().map(|(_, event)| event.record.len()).sum();
        assert!(kept <= KEPT_BYTES, "{kept}");
    }
}
