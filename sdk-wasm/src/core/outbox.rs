//! Batches that have left the queue and are not settled: on their way, or waiting to be sent again, in order.
//! When to send is the tracker's part.

use super::Priority;
use super::batch::Batch;

/// What keepalive and beacon requests of a page may weigh together while they are under way
/// (Fetch Standard, "HTTP-network-or-cache fetch": 64 kibibytes).
pub(super) const IN_FLIGHT_BYTES: usize = 64 * 1024;
/// How long a beacon is taken to be under way, since nothing tells of its end.
const BEACON_MS: u64 = 10_000;

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Here, to be sent from this time on.
    Waiting { from_ms: u64 },
    /// On its way, given up at this time.
    InFlight { handle: u32, bytes: usize, until_ms: u64 },
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) batch: Batch,
    pub(super) place: Place,
    pub(super) attempts: u32,
}

/// The batches in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) batches: Vec<Outgoing>,
    beacon_bytes: usize,
    beacon_ms: u64,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.batches.iter().map(|out| out.batch.events.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.batches.iter().map(|out| out.batch.bytes()).sum()
    }

    pub(super) fn is_in_flight(&self) -> bool {
        self.batches.iter().any(|out| matches!(out.place, Place::InFlight { .. }))
    }

    /// The place in the outbox of an attempt that is still awaited.
    pub(super) fn position(&self, awaited: u32) -> Option<usize> {
        self.batches
            .iter()
            .position(|out| matches!(out.place, Place::InFlight { handle, .. } if handle == awaited))
    }

    /// Handles of the attempts that have had their time.
    pub(super) fn overdue(&self, now_ms: u64) -> Option<u32> {
        self.batches.iter().find_map(|out| match out.place {
            Place::InFlight { handle, until_ms, .. } if until_ms <= now_ms => Some(handle),
            _ => None,
        })
    }

    /// The first batch that waits, and from when on it may be sent.
    pub(super) fn first_waiting(&self) -> Option<(usize, u64)> {
        self.batches.iter().enumerate().find_map(|(at, out)| match out.place {
            Place::Waiting { from_ms } => Some((at, from_ms)),
            Place::InFlight { .. } => None,
        })
    }

    /// When an attempt is next given up.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let deadline = |out: &Outgoing| match out.place {
            Place::InFlight { until_ms, .. } => Some(until_ms),
            Place::Waiting { .. } => None,
        };
        self.batches.iter().filter_map(deadline).min()
    }

    /// What is left of the bytes that may be under way at once.
    pub(super) fn room(&self, now_ms: u64) -> usize {
        let fetches = self.batches.iter().map(|out| match out.place {
            Place::InFlight { bytes, .. } => bytes,
            Place::Waiting { .. } => 0,
        });
        IN_FLIGHT_BYTES.saturating_sub(fetches.sum::<usize>() + self.beacons_under_way(now_ms))
    }

    /// Notes a beacon that the browser took.
    pub(super) fn beacon_taken(&mut self, bytes: usize, now_ms: u64) {
        self.beacon_bytes = self.beacons_under_way(now_ms) + bytes;
        self.beacon_ms = now_ms;
    }

    fn beacons_under_way(&self, now_ms: u64) -> usize {
        if now_ms.saturating_sub(self.beacon_ms) < BEACON_MS { self.beacon_bytes } else { 0 }
    }

    /// Takes out the oldest event of that priority that is not on its way.
    pub(super) fn drop_oldest(&mut self, priority: Priority) -> bool {
        let waits =
            |out: &Outgoing| matches!(out.place, Place::Waiting { .. }) && out.batch.priority() == priority;
        let Some(at) = self.batches.iter().position(waits) else { return false };
        let events = &mut self.batches[at].batch.events;
        events.remove(0);
        if events.is_empty() {
            self.batches.remove(at);
        }
        true
    }
}
