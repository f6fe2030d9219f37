//! What is known and what is being stored, under one lock; nobody waits here.
//! A batch's ids are taken all at once or not at all, so that two batches never wait for each other.

use super::EventIdStats;
use super::digest::Digest;
use crate::known_ids::Known;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use tokio::sync::watch;

/// The number of a batch that is being stored.
pub(super) type Flight = u64;

#[derive(Debug)]
pub(super) struct Table {
    known: Known,
    in_flight: HashMap<Digest, Flight, BuildHasherDefault<FirstBytes>>,
    /// Each tells by its end that its fate is decided.
    flights: HashMap<Flight, watch::Receiver<()>>,
    next: Flight,
    evicted: u64,
}

/// The places of copies, the batch's number, and what tells its end; or what tells the end of a batch to wait for.
type Taken = Result<(Vec<u32>, Flight, watch::Sender<()>), watch::Receiver<()>>;

impl Table {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            known: Known::new(max_bytes),
            in_flight: HashMap::default(),
            flights: HashMap::new(),
            next: 0,
            evicted: 0,
        }
    }

    /// Takes all ids that are no copies, and leaves the others out.
    pub(super) fn reserve(&mut self, ids: &mut Vec<(u32, Digest)>) -> Taken {
        let other = ids.iter().find_map(|(_, id)| self.in_flight.get(id));
        if let Some(fate) = other.and_then(|flight| self.flights.get(flight)) {
            return Err(fate.clone());
        }
        self.bring(ids);
        let flight = self.next;
        self.next += 1;
        let mut copies = Vec::new();
        ids.retain(|&(place, id)| {
            let is_copy = self.known.contains(&id) || self.in_flight.insert(id, flight).is_some();
            if is_copy {
                copies.push(place);
            }
            !is_copy
        });
        let (fate, watched) = watch::channel(());
        self.flights.insert(flight, watched);
        Ok((copies, flight, fate))
    }

    /// Prepares for looking at these ids one by one.
    fn bring(&self, ids: &[(u32, Digest)]) {
        self.known.bring(ids.iter().map(|(_, digest)| digest));
    }

    /// Prepares for remembering these ids one by one, each in the place of the oldest.
    pub(super) fn bring_all(&self, ids: &[(u32, Digest)]) {
        self.bring(ids);
        self.known.bring_oldest(ids.len());
    }

    /// It is not being stored any more.
    pub(super) fn release(&mut self, digest: &Digest) {
        self.in_flight.remove(digest);
    }

    /// It is durable.
    pub(super) fn remember(&mut self, digest: Digest, seconds: u32) {
        self.evicted += u64::from(self.known.insert(digest, seconds).is_some());
    }

    /// The batch's fate is decided.
    pub(super) fn land(&mut self, flight: Flight) {
        self.flights.remove(&flight);
    }

    pub(super) fn stats(&self) -> EventIdStats {
        EventIdStats { ids: self.known.len(), max_ids: self.known.capacity(), evicted: self.evicted }
    }
}

/// Digests are even already: their first bytes are hash enough.
#[derive(Debug, Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // An array says its length first, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
