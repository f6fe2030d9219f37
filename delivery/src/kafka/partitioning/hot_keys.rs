//! Which keys come more often than their rate: counted by the second, in a table of fixed size.
//! Two keys that share a place wear each other down, so that the one that comes more often keeps it; the other counts as rare.

use super::HotKeys;
use super::murmur2::{murmur2, seeded};

/// Keys that are counted at once: 64 KiB.
const PLACES: usize = 4096;

/// A seed that is not Kafka's, so that keys which share a place differ in it.
const TAG_SEED: u32 = 0x1b87_3593;

pub(super) struct Table {
    hot: HotKeys,
    places: Vec<Counted>,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    tag: u32,
    count: u32,
    second: u32,
    /// It was above its rate in the second before.
    was_hot: bool,
}

impl Table {
    pub(super) fn new(hot: HotKeys) -> Self {
        Self { hot, places: vec![Counted::default(); PLACES] }
    }

    /// The bucket of this record of a key: 0 while the key is below its rate.
    pub(super) fn bucket(&mut self, key: &[u8], second: u64) -> u8 {
        let second = second as u32;
        let (rate, buckets) = (self.hot.rate.get(), u32::from(self.hot.buckets.get()));
        let tag = seeded(TAG_SEED, key);
        let place = &mut self.places[murmur2(key) as usize % PLACES];
        if place.tag != tag {
            let idle = second.wrapping_sub(place.second) > 1;
            if place.count > 1 && !idle {
                place.count -= 1;
            } else {
                *place = Counted { tag, count: 1, second, was_hot: false };
            }
            return 0;
        }
        if place.second != second {
            let follows = second.wrapping_sub(place.second) == 1;
            place.was_hot = follows && place.count > rate;
            (place.second, place.count) = (second, 0);
        }
        place.count = place.count.saturating_add(1);
        if place.was_hot || place.count > rate { (place.count % buckets) as u8 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::{NonZeroU8, NonZeroU32};

    fn table() -> Table {
        Table::new(HotKeys { rate: NonZeroU32::new(10).unwrap(), buckets: NonZeroU8::new(4).unwrap() })
    }

    fn spread(table: &mut Table, key: &[u8], second: u64, records: usize) -> usize {
        (0..records).filter(|_| table.bucket(key, second) > 0).count()
    }

    #[test]
    fn a_key_is_spread_above_its_rate_and_in_the_second_after_that() {
        let mut table = table();
        assert_eq!(spread(&mut table, b"k", 7, 10), 0);
        assert_eq!(spread(&mut table, b"k", 7, 40), 30);
        assert_eq!(spread(&mut table, b"k", 8, 8), 6, "still, from the first on");
        assert_eq!(spread(&mut table, b"k", 9, 8), 0, "it has cooled down");
        assert_eq!(spread(&mut table, b"k", 10, 50), 30);
        assert_eq!(spread(&mut table, b"k", 12, 10), 0, "a second of rest is enough");
    }

    #[test]
    fn a_hundred_thousand_rare_keys_do_not_hide_one_that_is_hot() {
        let mut table = table();
        let mut hot = 0;
        for n in 0..100_000_u32 {
            assert_eq!(table.bucket(&n.to_le_bytes(), u64::from(n / 25_000)), 0);
            hot += usize::from(table.bucket(b"hot", u64::from(n / 25_000)) > 0);
        }
        assert!(hot > 70_000, "{hot}");
    }
}
