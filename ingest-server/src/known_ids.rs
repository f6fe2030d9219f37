//! The known ids: a ring, oldest out first, and an index into it, both of a size that is set once.
//! What being known means, and what is written to disk, is decided by those who keep one.

/// An id within its site, hashed with what nobody outside knows.
pub(crate) type Digest = [u8; 12];

/// What one id takes: its place in the ring, and one and a half places in the index.
pub(crate) const BYTES_PER_ID: usize = size_of::<Entry>() + size_of::<u32>() * 3 / 2;

/// The most bits of an item of the index that say how far it stands from its home; two thirds full, hardly any stands further.
const DISTANCE_BITS: u32 = 5;

#[derive(Debug, Clone, Copy)]
struct Entry {
    digest: Digest,
    /// When the batch was received, in seconds since 1970: a millisecond more would cost a fifth of the ids.
    seconds: u32,
}

/// A bounded set of ids that gives up the oldest.
#[derive(Debug)]
pub(crate) struct Known {
    ring: Vec<Entry>,
    capacity: usize,
    /// The place of the oldest id, once the ring is full.
    oldest: usize,
    /// An open-addressed table of places in the ring, each plus one; 0 is empty. At most two thirds full. The bits that no
    /// place needs say how far the item stands from its home, and hold some of the id's own: the ring, which is mostly in no
    /// cache, is looked at neither where they differ from those of an id that is sought, nor where items close a gap.
    index: Vec<u32>,
    /// The bits of an index's item that are a place.
    place_bits: u32,
    /// The distance from which on an item says no more than that it stands so far, or further.
    far: usize,
}

impl Known {
    /// As many ids as fit into `max_bytes`.
    pub(crate) fn new(max_bytes: usize) -> Self {
        let capacity = (max_bytes / BYTES_PER_ID).clamp(1, u32::MAX as usize / 2);
        let place_bits = u32::MAX >> (capacity as u32).leading_zeros();
        let distance_bits = place_bits.leading_zeros().min(DISTANCE_BITS);
        Self {
            // All of it at once, which takes no memory before it is written: a ring that grows is copied while all wait.
            ring: Vec::with_capacity(capacity),
            capacity,
            oldest: 0,
            index: vec![0; capacity + capacity / 2 + 1],
            place_bits,
            far: (1 << distance_bits) - 1,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.index[self.find(digest)] != 0
    }

    /// Looks at where these ids would stand: asked for one behind the other, memory brings what no cache holds side by side.
    pub(crate) fn bring<'a>(&self, digests: impl Iterator<Item = &'a Digest>) {
        std::hint::black_box(digests.fold(0, |all, digest| all ^ self.index[self.home(digest)]));
    }

    /// The same for the ids that so many new ones put out.
    pub(crate) fn bring_oldest(&self, count: usize) {
        if self.ring.len() == self.capacity {
            // Those before the ring's end are mostly all of them.
            self.bring(self.ring[self.oldest..].iter().take(count).map(|entry| &entry.digest));
        }
    }

    /// Adds an id that was received at that time (in seconds). Where the oldest had to go for it: a time (in
    /// milliseconds) before which that one was received.
    pub(crate) fn insert(&mut self, digest: Digest, seconds: u32) -> Option<i64> {
        let free = self.find(&digest);
        if self.index[free] != 0 {
            return None;
        }
        let entry = Entry { digest, seconds };
        let (place, free, gone) = if self.ring.len() < self.capacity {
            self.ring.push(entry);
            (self.ring.len() - 1, free, None)
        } else {
            let place = self.oldest;
            self.oldest = (place + 1) % self.capacity;
            self.remove_from_index(place);
            let gone = std::mem::replace(&mut self.ring[place], entry);
            (place, self.find(&digest), Some(end_of(gone.seconds)))
        };
        let distance = self.distance(self.home(&digest), free);
        self.index[free] = self.marks(distance, &digest) | (place as u32 + 1);
        gone
    }

    /// Where in the index the id stands, or the empty place where it would.
    fn find(&self, digest: &Digest) -> usize {
        let (mut at, mut distance) = (self.home(digest), 0);
        loop {
            let item = self.index[at];
            let is_like = item & !self.place_bits == self.marks(distance, digest);
            if item == 0 || (is_like && self.ring[self.place(item)].digest == *digest) {
                return at;
            }
            at = self.after(at);
            distance += 1;
        }
    }

    /// The place in the ring that an item of the index names.
    fn place(&self, item: u32) -> usize {
        (item & self.place_bits) as usize - 1
    }

    /// What an item of the index says beside its place: how far it stands from its home, and as many bits of the id as there is
    /// room for, of those that do not say where its home is.
    fn marks(&self, distance: usize, digest: &Digest) -> u32 {
        let [.., a, b, c, d] = *digest;
        let id_bits = u32::from_le_bytes([a, b, c, d]) & !(self.place_bits | self.distance_mask());
        id_bits | self.distance_bits(distance)
    }

    fn distance_bits(&self, distance: usize) -> u32 {
        (distance.min(self.far) as u32) << self.place_bits.count_ones()
    }

    fn distance_mask(&self) -> u32 {
        self.distance_bits(self.far)
    }

    /// How far the item that stands there is from its home.
    fn distance_of(&self, item: u32, at: usize) -> usize {
        match (item & self.distance_mask()) as usize >> self.place_bits.count_ones() {
            far if far == self.far => self.distance(self.home(&self.ring[self.place(item)].digest), at),
            near => near,
        }
    }

    /// Closes the gap behind the id that goes, so that no search stops early (Knuth, 6.4, algorithm R).
    fn remove_from_index(&mut self, place: usize) {
        let mut gap = self.find(&self.ring[place].digest);
        let mut at = gap;
        loop {
            at = self.after(at);
            let item = self.index[at];
            if item == 0 {
                break;
            }
            let (distance, to_gap) = (self.distance_of(item, at), self.distance(gap, at));
            if distance >= to_gap {
                self.index[gap] = item & !self.distance_mask() | self.distance_bits(distance - to_gap);
                gap = at;
            }
        }
        self.index[gap] = 0;
    }

    /// Digests are even already, so their first bytes, scaled, are a place.
    fn home(&self, digest: &Digest) -> usize {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        let wide = u128::from(u64::from_le_bytes([a, b, c, d, e, f, g, h])) * self.index.len() as u128;
        (wide >> 64) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.index.len() { 0 } else { at + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.index.len() - from }
    }
}

/// The seconds of a time in milliseconds.
pub(crate) fn seconds(unix_ms: i64) -> u32 {
    u32::try_from(unix_ms / 1000).unwrap_or(if unix_ms < 0 { 0 } else { u32::MAX })
}

/// The end of that second, in milliseconds.
pub(crate) fn end_of(seconds: u32) -> i64 {
    (i64::from(seconds) + 1) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// Ids of which many have the same home, at the end of the index too.
    fn digest(number: u16) -> Digest {
        let mut digest = [if number.is_multiple_of(3) { 0xff } else { 0 }; 12];
        digest[10..].copy_from_slice(&number.to_le_bytes());
        if number.is_multiple_of(2) {
            digest[..8].copy_from_slice(&(u64::from(number) << 48).to_le_bytes());
        }
        digest
    }

    proptest! {
        #[test]
        fn it_holds_the_newest_ids_and_no_others(
            capacity in 1..40_usize, numbers in prop::collection::vec(0..200_u16, 0..400),
        ) {
            let mut known = Known::new(capacity * BYTES_PER_ID);
            prop_assert_eq!(known.capacity(), capacity);
            let mut model = VecDeque::new();
            for (time, number) in (0u32..).zip(numbers) {
                let gone = known.insert(digest(number), time);
                let mut expected = None;
                if !model.iter().any(|&(held, _)| held == number) {
                    model.push_back((number, time));
                    if model.len() > capacity {
                        expected = model.pop_front().map(|(_, time)| end_of(time));
                    }
                }
                prop_assert_eq!(gone, expected);
                prop_assert_eq!(known.len(), model.len());
            }
            for number in 0..200 {
                let held = model.iter().any(|&(held, _)| held == number);
                prop_assert_eq!(known.contains(&digest(number)), held, "{}", number);
            }
        }
    }

    #[test]
    fn it_takes_what_it_says() {
        let known = Known::new(1 << 20);
        let bytes = known.capacity() * size_of::<Entry>() + known.index.len() * size_of::<u32>();
        assert!(known.capacity() > 47_000 && bytes <= 1 << 20, "{} {bytes}", known.capacity());
    }
}
