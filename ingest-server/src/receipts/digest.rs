//! A batch id within its site as 12 bytes: what the memory and its files hold instead of two texts.
//! They are salted, so that nobody outside can choose ids that crowd one place of the index.

use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher, RandomState};

/// 96 bits: among three million ids, one lookup in 10^22 takes a strange id for a known one.
pub(super) use crate::known_ids::Digest;

/// What is hashed before each id. It stands in the files, since their digests mean nothing without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt(pub(super) [u8; 16]);

impl Salt {
    /// A salt that nobody knows.
    pub(super) fn random() -> Self {
        let half = || RandomState::new().hash_one(0).to_le_bytes();
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&half());
        salt[8..].copy_from_slice(&half());
        Self(salt)
    }

    /// The digest of a site's batch id.
    pub(super) fn digest(&self, write_key: &str, batch_id: &str) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.0);
        // The length keeps a byte from moving between key and id unseen.
        hash.update((write_key.len() as u64).to_le_bytes());
        hash.update(write_key);
        hash.update(batch_id);
        let mut digest = Digest::default();
        digest.copy_from_slice(&hash.finalize()[..12]);
        digest
    }
}
