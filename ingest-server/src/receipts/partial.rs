//! Batches of which the store took some events and not others: which ones are stored, so that a copy of such a batch
//! stores only the rest; none is where the store did not say. It is rare (a Kafka in trouble), so the bound is small.

use super::digest::Digest;
use crate::known_ids::end_of;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_event_model::limits::{BATCH_EVENTS, SEGMENT_BATCH_EVENTS};
use std::collections::{BTreeMap, HashMap};

/// The largest batch is one of Segment's clients.
const WORDS: usize = SEGMENT_BATCH_EVENTS.div_ceil(64);
/// As many have the places of any other batch, and of most of theirs.
const FEW_WORDS: usize = BATCH_EVENTS.div_ceil(64);

/// Places of events in their batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSet([u64; WORDS]);

impl Default for EventSet {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl EventSet {
    /// Bytes of [`Self::to_bytes`], where all places are low ones and else.
    pub(super) const FEW_BYTES: usize = FEW_WORDS * 8;
    pub(super) const BYTES: usize = WORDS * 8;

    /// Whether that event is in it.
    pub fn contains(&self, index: u32) -> bool {
        self.0.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Adds an event; a batch has no more than fit.
    pub fn insert(&mut self, index: u32) {
        if let Some(word) = self.0.get_mut(index as usize / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether it has no event.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the events of another set.
    pub(crate) fn add(&mut self, other: Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// As text without spaces.
    pub(crate) fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }

    /// What [`Self::to_text`] wrote; `None` where that is something else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        matches!(bytes.len(), Self::FEW_BYTES | Self::BYTES).then(|| Self::from_bytes(&bytes))
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let is_low = self.0[FEW_WORDS..].iter().all(|word| *word == 0);
        let words = if is_low { FEW_WORDS } else { WORDS };
        self.0[..words].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        for (word, bytes) in set.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        set
    }
}

/// What one batch takes, its share of both maps included.
const BYTES_PER_BATCH: usize = 512;

#[derive(Debug)]
struct Partial {
    /// Outside the map, which has room for twice as many as there are.
    stored: Box<EventSet>,
    seconds: u32,
    /// Its place in the order in which they came.
    number: u64,
}

/// The partly stored batches, oldest out first.
#[derive(Debug)]
pub(super) struct Partials {
    batches: HashMap<Digest, Partial>,
    order: BTreeMap<u64, Digest>,
    next: u64,
    capacity: usize,
}

impl Partials {
    /// As many batches as fit into `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        let capacity = (max_bytes / BYTES_PER_BATCH).max(1);
        Self { batches: HashMap::new(), order: BTreeMap::new(), next: 0, capacity }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<EventSet> {
        self.batches.get(digest).map(|partial| *partial.stored)
    }

    pub(super) fn bytes(&self) -> usize {
        self.batches.len() * BYTES_PER_BATCH
    }

    /// Remembers what is stored of a batch, in place of what was known of it. Where another one had to go: a time (in
    /// milliseconds) before which that one was received.
    pub(super) fn insert(&mut self, digest: Digest, stored: EventSet, seconds: u32) -> Option<i64> {
        self.remove(&digest);
        self.order.insert(self.next, digest);
        self.batches.insert(digest, Partial { stored: Box::new(stored), seconds, number: self.next });
        self.next += 1;
        if self.batches.len() <= self.capacity {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        self.batches.remove(&oldest).map(|partial| end_of(partial.seconds))
    }

    pub(super) fn remove(&mut self, digest: &Digest) {
        if let Some(partial) = self.batches.remove(digest) {
            self.order.remove(&partial.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_in_and_comes_back_from_its_bytes(
            indexes in prop::collection::btree_set(prop_oneof![0..BATCH_EVENTS, 0..SEGMENT_BATCH_EVENTS], 0..50),
        ) {
            let indexes: BTreeSet<_> = indexes.into_iter().map(|index| index as u32).collect();
            let mut set = EventSet::default();
            indexes.iter().for_each(|&index| set.insert(index));
            prop_assert_eq!(set.is_empty(), indexes.is_empty());
            let bytes = set.to_bytes();
            let is_low = indexes.last().is_none_or(|&last| last < 512);
            prop_assert_eq!(bytes.len(), if is_low { EventSet::FEW_BYTES } else { EventSet::BYTES });
            prop_assert_eq!(EventSet::from_bytes(&bytes), set);
            let mut halves = EventSet::default();
            for half in [0, 1] {
                let mut other = EventSet::default();
                indexes.iter().filter(|index| *index % 2 == half).for_each(|&index| other.insert(index));
                halves.add(other);
            }
            let text = halves.to_text();
            prop_assert!(!text.contains([' ', '?']) && EventSet::from_text(&text[1..]).is_none());
            let set = EventSet::from_text(&text).unwrap();
            for index in 0..2_600 {
                prop_assert_eq!(set.contains(index), indexes.contains(&index));
            }
        }
    }

    #[test]
    fn the_oldest_batch_goes_first_and_one_that_is_done_takes_no_room() {
        let mut partials = Partials::new(2 * BYTES_PER_BATCH);
        let set = EventSet([1; WORDS]);
        assert_eq!(partials.insert([1; 12], set, 10), None);
        assert_eq!(partials.insert([2; 12], set, 20), None);
        partials.remove(&[1; 12]);
        assert_eq!(partials.insert([3; 12], set, 30), None);
        assert_eq!(partials.insert([2; 12], set, 40), None, "it was there before");
        assert_eq!(partials.insert([4; 12], set, 50), Some(end_of(30)));
        assert_eq!((partials.get(&[2; 12]), partials.get(&[3; 12])), (Some(set), None));
        assert_eq!(partials.bytes(), 2 * BYTES_PER_BATCH);
    }
}
