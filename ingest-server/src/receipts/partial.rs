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

/// Places of events in their batch: a bit for each up to the last that is in it, so that none takes no memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSet(Vec<u64>);

impl EventSet {
    /// Bytes of [`Self::to_bytes`] where all places are low ones.
    pub(super) const FEW_BYTES: usize = FEW_WORDS * 8;
    /// Bytes of it where one is not.
    pub(super) const BYTES: usize = WORDS * 8;

    /// Whether that event is in it.
    pub fn contains(&self, index: u32) -> bool {
        self.0.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Adds an event; a batch has no more than fit.
    pub fn insert(&mut self, index: u32) {
        let word = index as usize / 64;
        if word < WORDS {
            self.0.resize(self.0.len().max(word + 1), 0);
            self.0[word] |= 1 << (index % 64);
        }
    }

    /// Whether it has no event.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the events of another set.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// As text without spaces.
    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }

    /// What [`Self::to_text`] wrote; `None` where that is something else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        matches!(bytes.len(), Self::FEW_BYTES | Self::BYTES).then(|| Self::from_bytes(&bytes))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<_> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(if self.0.len() <= FEW_WORDS { Self::FEW_BYTES } else { Self::BYTES }, 0);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut words: Vec<_> =
            bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        words.truncate(words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1));
        Self(words)
    }
}

/// What one batch takes, its share of both maps included.
const BYTES_PER_BATCH: usize = 512;

#[derive(Debug)]
struct Partial {
    stored: EventSet,
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
        self.batches.get(digest).map(|partial| partial.stored.clone())
    }

    pub(super) fn bytes(&self) -> usize {
        self.batches.len() * BYTES_PER_BATCH
    }

    /// Remembers what is stored of a batch, in place of what was known of it. Where another one had to go: a time (in
    /// milliseconds) before which that one was received.
    pub(super) fn insert(&mut self, digest: Digest, stored: EventSet, seconds: u32) -> Option<i64> {
        self.remove(&digest);
        self.order.insert(self.next, digest);
        self.batches.insert(digest, Partial { stored, seconds, number: self.next });
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
        let mut set = EventSet::default();
        set.insert(7);
        assert_eq!(partials.insert([1; 12], set.clone(), 10), None);
        assert_eq!(partials.insert([2; 12], set.clone(), 20), None);
        partials.remove(&[1; 12]);
        assert_eq!(partials.insert([3; 12], set.clone(), 30), None);
        assert_eq!(partials.insert([2; 12], set.clone(), 40), None, "it was there before");
        assert_eq!(partials.insert([4; 12], set.clone(), 50), Some(end_of(30)));
        assert_eq!((partials.get(&[2; 12]), partials.get(&[3; 12])), (Some(set), None));
        assert_eq!(partials.bytes(), 2 * BYTES_PER_BATCH);
    }
}
