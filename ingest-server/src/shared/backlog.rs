//! What became of requests while Redis was away, kept to be told when it is back, so that other servers know it too.
//! It is bounded by bytes; where the oldest has to go, its site's shared memory begins anew.

use super::scripts::{Command, EVENTS_AT_ONCE, FORGET, SETTLE};
use crate::metrics::RedisMetrics;
use redis::ScriptInvocation;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tens of thousands of batches: minutes of a busy server.
const MAX_BYTES: usize = 8 << 20;
/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = size_of::<Settlement>() + 64;
const KEY_BYTES: usize = size_of::<String>();

/// What became of the batch and the events of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settlement {
    /// The request's token.
    pub(super) token: String,
    /// The key of its site's epoch.
    pub(super) epoch: String,
    /// The key of the batch, and what became of it, as `settle.lua` has it.
    pub(super) batch: Option<(String, String)>,
    /// The keys of events.
    pub(super) events: Vec<String>,
    /// For each of them 1 (durable) or 0.
    pub(super) durable: String,
    /// Milliseconds for which the ids of batches and of events are known.
    pub(super) known_ms: [u64; 2],
}

impl Settlement {
    /// How many calls of `settle.lua` tell it, one after another.
    pub(super) fn calls(&self) -> usize {
        self.events.len().div_ceil(EVENTS_AT_ONCE).max(1)
    }

    /// Puts its part into a call, of which `at` is the number. The batch comes with its last events: where it is told,
    /// they are.
    pub(super) fn fill(&self, at: usize, call: &mut ScriptInvocation<'_>) {
        let part = |len: usize| at * EVENTS_AT_ONCE..len.min((at + 1) * EVENTS_AT_ONCE);
        let batch = self.batch.as_ref().filter(|_| at + 1 == self.calls());
        let (key, fate) = batch.map_or((None, ""), |(key, fate)| (Some(key), fate.as_str()));
        if let Some(key) = key {
            call.key(key);
        }
        call.key(&self.events[part(self.events.len())]);
        let durable = &self.durable[part(self.durable.len())];
        call.arg(&self.token).arg(fate).arg(&self.known_ms[..]).arg(durable);
    }

    fn bytes(&self) -> usize {
        let batch = self.batch.as_ref().map_or(0, |(key, fate)| key.len() + fate.len());
        let events: usize = self.events.iter().map(|key| key.len() + KEY_BYTES).sum();
        ENTRY_BYTES + self.token.len() + self.epoch.len() + batch + events + self.durable.len()
    }
}

/// Something that Redis is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Untold {
    /// What became of a request.
    Settled(Settlement),
    /// That a site's memory lacks something, by its epoch's key.
    Lost { epoch: String, kept_ms: u64 },
}

impl Untold {
    pub(super) fn command(&self) -> &'static Command {
        match self {
            Self::Settled(_) => &SETTLE,
            Self::Lost { .. } => &FORGET,
        }
    }

    /// How many calls of that command tell it, one after another.
    pub(super) fn calls(&self) -> usize {
        match self {
            Self::Settled(settlement) => settlement.calls(),
            Self::Lost { .. } => 1,
        }
    }

    pub(super) fn fill(&self, at: usize, call: &mut ScriptInvocation<'_>) {
        match self {
            Self::Settled(settlement) => settlement.fill(at, call),
            Self::Lost { epoch, kept_ms } => {
                call.key(epoch).arg(kept_ms);
            }
        }
    }
}

/// The entries, oldest first.
#[derive(Debug)]
pub(super) struct Backlog {
    queue: Mutex<Queue>,
    max_bytes: usize,
    metrics: RedisMetrics,
}

#[derive(Debug, Default)]
struct Queue {
    settlements: VecDeque<Settlement>,
    bytes: usize,
    /// The epochs of sites of which something had to go, as many as there are sites.
    lost: BTreeSet<(String, u64)>,
}

impl Backlog {
    pub(super) fn new(metrics: RedisMetrics) -> Self {
        Self { queue: Mutex::default(), max_bytes: MAX_BYTES, metrics }
    }

    /// Keeps one more.
    pub(super) fn push(&self, settlement: Settlement) {
        let mut queue = self.lock();
        queue.bytes += settlement.bytes();
        queue.settlements.push_back(settlement);
        while queue.bytes > self.max_bytes
            && let Some(oldest) = queue.settlements.pop_front()
        {
            queue.bytes -= oldest.bytes();
            self.metrics.lost.inc();
            queue.lost.insert((oldest.epoch, oldest.known_ms[0]));
        }
        self.metrics.untold.set(queue.settlements.len() as i64);
    }

    /// What is to be told: batches, and sites that lack something.
    pub(super) fn len(&self) -> usize {
        let queue = self.lock();
        queue.settlements.len() + queue.lost.len()
    }

    /// Takes at most `most` of what is to be told first.
    pub(super) fn take(&self, most: usize) -> Vec<Untold> {
        let mut queue = self.lock();
        let mut taken = Vec::new();
        while taken.len() < most {
            if let Some((epoch, kept_ms)) = queue.lost.pop_first() {
                taken.push(Untold::Lost { epoch, kept_ms });
            } else if let Some(settlement) = queue.settlements.pop_front() {
                queue.bytes -= settlement.bytes();
                taken.push(Untold::Settled(settlement));
            } else {
                break;
            }
        }
        self.metrics.untold.set(queue.settlements.len() as i64);
        taken
    }

    /// Takes back what could not be told.
    pub(super) fn put_back(&self, untold: Vec<Untold>) {
        let mut queue = self.lock();
        for untold in untold.into_iter().rev() {
            match untold {
                Untold::Lost { epoch, kept_ms } => {
                    queue.lost.insert((epoch, kept_ms));
                }
                Untold::Settled(settlement) => {
                    queue.bytes += settlement.bytes();
                    queue.settlements.push_front(settlement);
                }
            }
        }
        self.metrics.untold.set(queue.settlements.len() as i64);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settlement(number: usize) -> Settlement {
        Settlement {
            token: number.to_string(),
            epoch: format!("{{pk{}}}:epoch", number % 2),
            batch: Some(("b".to_owned(), "1".to_owned())),
            events: vec!["e".to_owned(); 20],
            durable: "1".repeat(20),
            known_ms: [7, 8],
        }
    }

    #[test]
    fn at_the_bound_the_oldest_goes_and_its_site_is_told_to_have_lost_something() {
        let metrics = RedisMetrics::default();
        let room = 10 * settlement(10).bytes();
        let backlog = Backlog { max_bytes: room, ..Backlog::new(metrics.clone()) };
        for number in 10..20 {
            backlog.push(settlement(number));
        }
        assert_eq!((backlog.len(), metrics.lost.get()), (10, 0));
        for number in 20..23 {
            backlog.push(settlement(number));
        }
        assert_eq!((backlog.len(), metrics.lost.get(), metrics.untold.get()), (12, 3, 10));
        let lost = |site: u8| Untold::Lost { epoch: format!("{{pk{site}}}:epoch"), kept_ms: 7 };
        let first = [lost(0), lost(1), Untold::Settled(settlement(13))];
        let taken = backlog.take(3);
        assert_eq!(taken, first);
        backlog.put_back(taken);
        let taken = backlog.take(100);
        assert_eq!((&taken[..3], taken.len()), (&first[..], 12));
        assert_eq!((backlog.lock().bytes, metrics.untold.get()), (0, 0));
    }
}
