//! Random numbers from a seed, for ids and waits: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", OOPSLA 2014). Ids are to be different, not secret: the seed is the browser's part.

/// A sequence of random numbers.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below a bound.
    pub(super) fn below(&mut self, bound: u32) -> u64 {
        ((self.next() >> 32) * u64::from(bound)) >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_code() {
        // <https://prng.di.unimi.it/splitmix64.c> with the seed 1234567.
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(expected.map(|_| random.next()), expected);
    }

    #[test]
    fn a_bound_is_kept_and_reached() {
        let mut random = Random::new(1);
        let mut seen = [false; 8];
        for _ in 0..1_000 {
            seen[random.below(8) as usize] = true;
        }
        assert_eq!(seen, [true; 8]);
    }
}
