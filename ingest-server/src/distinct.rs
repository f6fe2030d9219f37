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
