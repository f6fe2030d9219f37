//! An event id within its site as 12 bytes. They are keyed, so that nobody outside can choose ids that crowd one place
//! of the table, and made by SipHash, since there are hundreds of thousands in a second and they never leave the memory.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

/// 96 bits: among two million ids, one lookup in 10^22 takes a strange id for a known one.
pub(super) use crate::known_ids::Digest;

/// Two keys that nobody knows: one hash has 64 bits.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(RandomState, RandomState);

/// The hashes with a site in them already.
pub(super) struct Site(DefaultHasher, DefaultHasher);

impl Keys {
    pub(super) fn site(&self, write_key: &str) -> Site {
        let begun = |keys: &RandomState| {
            let mut hasher = keys.build_hasher();
            hasher.write(write_key.as_bytes());
            // It stands in no key: no byte moves between key and id unseen.
            hasher.write_u8(0xff);
            hasher
        };
        Site(begun(&self.0), begun(&self.1))
    }
}

impl Site {
    pub(super) fn digest(&self, event_id: &str) -> Digest {
        let end = |mut hasher: DefaultHasher| {
            hasher.write(event_id.as_bytes());
            hasher.finish().to_le_bytes()
        };
        let (first, second) = (end(self.0.clone()), end(self.1.clone()));
        let mut digest = Digest::default();
        digest[..8].copy_from_slice(&first);
        digest[8..].copy_from_slice(&second[..4]);
        digest
    }
}
