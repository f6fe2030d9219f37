//! Events that wait to be sent, each as the text that it will be on the wire, in the order they happened.
//! Cutting batches off it is done here; what becomes of a batch is the outbox's part.

use super::Priority;
use std::rc::Rc;

/// Who and where, as JSON objects; shared by all events of the same visitor and page view.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) who: Rc<str>,
    pub(super) page: Rc<str>,
}

/// An event that waits.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    /// The event's JSON text, without a context.
    pub(super) text: String,
    pub(super) scope: Scope,
    pub(super) priority: Priority,
    /// On the monotonic clock.
    pub(super) since_ms: u64,
}

impl Queued {
    /// The most bytes that the event can take in a batch: its text, its page as an override, and a comma.
    pub(super) fn wire_bytes(&self) -> usize {
        self.text.len() + self.scope.page.len() + OVERRIDE_BYTES
    }
}

/// `"context":` and two commas: what an event of another page than its batch's has beside its page.
pub(super) const OVERRIDE_BYTES: usize = 12;

/// The events in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    events: Vec<Queued>,
    bytes: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Bytes of all texts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn first(&self) -> Option<&Queued> {
        self.events.first()
    }

    pub(super) fn push(&mut self, event: Queued) {
        self.bytes += event.text.len();
        self.events.push(event);
    }

    /// Takes out the oldest event of that priority.
    pub(super) fn drop_oldest(&mut self, priority: Priority) -> bool {
        let Some(at) = self.events.iter().position(|event| event.priority == priority) else { return false };
        self.bytes -= self.events.remove(at).text.len();
        true
    }

    /// Takes the next batch off the front: one visitor, one priority, at most `max_events` and `max_bytes`.
    /// The first event is taken whatever its size.
    pub(super) fn cut(&mut self, max_events: usize, max_bytes: usize) -> Vec<Queued> {
        let mut room = max_bytes;
        let fits = |first: &Queued, event: &Queued| {
            Rc::ptr_eq(&event.scope.who, &first.scope.who) && event.priority == first.priority
        };
        let mut count = 0;
        for event in self.events.iter().take(max_events) {
            if count > 0 && !(fits(&self.events[0], event) && event.wire_bytes() <= room) {
                break;
            }
            room = room.saturating_sub(event.wire_bytes());
            count += 1;
        }
        let rest = self.events.split_off(count);
        let cut = std::mem::replace(&mut self.events, rest);
        self.bytes -= cut.iter().map(|event| event.text.len()).sum::<usize>();
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str, who: &Rc<str>, priority: Priority) -> Queued {
        let scope = Scope { who: who.clone(), page: "{}".into() };
        Queued { text: text.into(), scope, priority, since_ms: 0 }
    }

    fn queue(events: impl IntoIterator<Item = Queued>) -> Queue {
        let mut queue = Queue::default();
        events.into_iter().for_each(|event| queue.push(event));
        queue
    }

    #[test]
    fn a_batch_has_one_priority_and_one_visitor_and_keeps_the_order() {
        let (ann, bob): (Rc<str>, Rc<str>) = ("ann".into(), "bob".into());
        let (key, normal) = (Priority::Key, Priority::Normal);
        let mut queue = queue([
            event("1", &ann, normal),
            event("2", &ann, normal),
            event("3", &ann, key),
            event("4", &bob, key),
            event("5", &bob, normal),
        ]);
        let mut batches = Vec::new();
        while queue.len() > 0 {
            batches.push(queue.cut(500, 1_000).into_iter().map(|event| event.text).collect::<Vec<_>>());
        }
        assert_eq!(batches, [vec!["1", "2"], vec!["3"], vec!["4"], vec!["5"]]);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_batch_ends_at_its_bytes_but_always_takes_one() {
        let ann: Rc<str> = "ann".into();
        let one = event("0123456789", &ann, Priority::Normal);
        let each = one.wire_bytes();
        let mut queue = queue(vec![one; 5]);
        assert_eq!(queue.cut(500, each * 2).len(), 2);
        assert_eq!(queue.cut(500, each - 1).len(), 1);
        assert_eq!(queue.cut(1, each * 9).len(), 1);
        assert_eq!((queue.len(), queue.bytes()), (1, 10));
    }

    #[test]
    fn the_oldest_of_a_priority_goes_first() {
        let ann: Rc<str> = "ann".into();
        let mut queue = queue([event("k", &ann, Priority::Key), event("n", &ann, Priority::Normal)]);
        assert!(queue.drop_oldest(Priority::Normal));
        assert!(!queue.drop_oldest(Priority::Normal));
        assert_eq!(queue.first().unwrap().text, "k");
    }
}
