//! A set of row numbers, kept as ranges: rows are written, handed over and acknowledged mostly side by side.
//! What membership means is said by whoever holds the set.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Row numbers; neighbours take the room of one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeqRanges {
    /// From the first number of each range to its last; ranges neither overlap nor touch.
    ends: BTreeMap<i64, i64>,
}

impl SeqRanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many separate ranges there are: what the set takes in memory.
    pub(crate) fn ranges(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RangeInclusive<i64>> + '_ {
        self.ends.iter().map(|(first, last)| *first..=*last)
    }

    pub(crate) fn contains(&self, seq: i64) -> bool {
        self.ends.range(..=seq).next_back().is_some_and(|(_, last)| seq <= *last)
    }

    pub(crate) fn insert(&mut self, seq: i64) {
        self.insert_range(seq..=seq);
    }

    pub(crate) fn insert_range(&mut self, range: RangeInclusive<i64>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        // Swallows everything that overlaps or touches, from the right to the left.
        while let Some((&start, &end)) = self.ends.range(..=last.saturating_add(1)).next_back() {
            if end < first.saturating_sub(1) {
                break;
            }
            self.ends.remove(&start);
            first = first.min(start);
            last = last.max(end);
        }
        self.ends.insert(first, last);
    }

    pub(crate) fn remove(&mut self, seq: i64) {
        let Some((&first, &last)) = self.ends.range(..=seq).next_back() else { return };
        if seq > last {
            return;
        }
        self.ends.remove(&first);
        if first < seq {
            self.ends.insert(first, seq - 1);
        }
        if seq < last {
            self.ends.insert(seq + 1, last);
        }
    }

    /// Forgets every number up to this one.
    pub(crate) fn forget_through(&mut self, seq: i64) {
        while let Some((&first, &last)) = self.ends.first_key_value() {
            if first > seq {
                return;
            }
            self.ends.remove(&first);
            if last > seq {
                self.ends.insert(seq + 1, last);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_set_that_a_plain_set_is(steps in prop::collection::vec((0..4u8, 0..60i64, 0..9i64), 0..120)) {
            let (mut ranges, mut plain) = (SeqRanges::default(), BTreeSet::new());
            for (step, seq, more) in steps {
                match step {
                    0 => { ranges.insert(seq); plain.insert(seq); }
                    1 => { ranges.insert_range(seq..=seq + more); plain.extend(seq..=seq + more); }
                    2 => { ranges.remove(seq); plain.remove(&seq); }
                    _ => { ranges.forget_through(seq - 40); plain.retain(|kept| *kept > seq - 40); }
                }
                prop_assert_eq!(ranges.iter().flatten().collect::<BTreeSet<_>>(), plain.clone());
                for seq in 0..70 {
                    prop_assert_eq!(ranges.contains(seq), plain.contains(&seq));
                }
                // Neighbours are one range.
                let starts: Vec<_> = ranges.iter().collect();
                prop_assert!(starts.windows(2).all(|pair| *pair[0].end() + 1 < *pair[1].start()));
                prop_assert_eq!(starts.len(), ranges.ranges());
            }
        }
    }
}
