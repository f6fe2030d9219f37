//! Numbers that tell requests and traces apart: a count, mixed with a seed of this process.
//! They ask the system for nothing and are no secret: whoever must not guess an id draws it.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that this process has most likely not given before.
pub(crate) fn distinct() -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    SEED.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The hexadecimal digits of a number, small letters, with its zeroes in front.
pub(crate) fn hex(number: u64) -> [u8; 16] {
    std::array::from_fn(|place| b"0123456789abcdef"[(number >> (60 - 4 * place)) as usize & 15])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        for number in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX, distinct()] {
            assert_eq!(hex(number), format!("{number:016x}").as_bytes());
        }
    }
}
