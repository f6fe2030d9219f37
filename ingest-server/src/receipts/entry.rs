//! One fact in the memory's files: an id that is known, a batch that is stored in part, a horizon that was raised.
//! Each has its kind first and a CRC-32 (IEEE) last, so that a torn or damaged end is seen.

use super::digest::Digest;
use super::partial::EventSet;

/// A fact as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// The batch is durable, or settled for good.
    Known { digest: Digest, seconds: u32 },
    /// These events of the batch are; where none is, nobody knows.
    Partial { digest: Digest, seconds: u32, stored: EventSet },
    /// What was received up to then (Unix milliseconds) may be missing.
    Horizon { at: i64 },
}

/// Bytes of the longest entry.
const LONGEST: usize = 1 + 12 + 4 + EventSet::BYTES + 4;
/// Bytes of an entry of the usual kind.
pub(super) const KNOWN_BYTES: usize = 1 + 12 + 4 + 4;

impl Entry {
    /// Writes the entry behind what is there.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut of_batch = |kind: u8, digest: &Digest, seconds: u32| {
            out.push(kind);
            out.extend_from_slice(digest);
            out.extend_from_slice(&seconds.to_le_bytes());
        };
        match self {
            Self::Known { digest, seconds } => of_batch(1, digest, *seconds),
            Self::Partial { digest, seconds, stored } if stored.is_empty() => of_batch(4, digest, *seconds),
            Self::Partial { digest, seconds, stored } => {
                let bytes = stored.to_bytes();
                of_batch(if bytes.len() == EventSet::BYTES { 5 } else { 2 }, digest, *seconds);
                out.extend_from_slice(&bytes);
            }
            Self::Horizon { at } => {
                out.push(3);
                out.extend_from_slice(&at.to_le_bytes());
            }
        }
        let sum = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// Whether `bytes` are fewer than the entry has that they begin with.
    pub(super) fn is_begun(bytes: &[u8]) -> bool {
        let whole = match bytes.first() {
            Some(1 | 4) => KNOWN_BYTES,
            Some(2) => KNOWN_BYTES + EventSet::FEW_BYTES,
            Some(3) => 1 + 8 + 4,
            Some(5) => LONGEST,
            _ => 0,
        };
        bytes.len() < whole
    }

    /// Reads the entry that `bytes` begin with, and says how long it is; `None` where there is no whole one.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&kind, rest) = bytes.split_first()?;
        let (entry, body) = match kind {
            1 | 2 | 4 | 5 => {
                let (digest, rest) = rest.split_first_chunk()?;
                let (seconds, rest) = rest.split_first_chunk()?;
                let (digest, seconds) = (*digest, u32::from_le_bytes(*seconds));
                match kind {
                    1 => (Self::Known { digest, seconds }, 16),
                    4 => (Self::Partial { digest, seconds, stored: EventSet::default() }, 16),
                    _ => {
                        let bytes = if kind == 2 { EventSet::FEW_BYTES } else { EventSet::BYTES };
                        let stored = EventSet::from_bytes(rest.get(..bytes)?);
                        (Self::Partial { digest, seconds, stored }, 16 + bytes)
                    }
                }
            }
            3 => (Self::Horizon { at: i64::from_le_bytes(*rest.first_chunk()?) }, 8),
            _ => return None,
        };
        let sum = bytes.get(1 + body..)?.first_chunk()?;
        (crc32fast::hash(&bytes[..1 + body]) == u32::from_le_bytes(*sum)).then_some((entry, 1 + body + 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_entry() -> impl Strategy<Value = Entry> {
        let set = prop::collection::vec(prop_oneof![0..500_u32, 0..2_500_u32], 0..9).prop_map(|indexes| {
            let mut set = EventSet::default();
            indexes.into_iter().for_each(|index| set.insert(index));
            set
        });
        prop_oneof![
            (any::<Digest>(), any::<u32>()).prop_map(|(digest, seconds)| Entry::Known { digest, seconds }),
            (any::<Digest>(), any::<u32>(), set).prop_map(|(digest, seconds, stored)| Entry::Partial {
                digest,
                seconds,
                stored
            }),
            any::<i64>().prop_map(|at| Entry::Horizon { at }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_up_to_the_first_damage(
            entries in prop::collection::vec(any_entry(), 1..12), cut: prop::sample::Index, flip: Option<u8>,
        ) {
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for entry in &entries {
                entry.write(&mut bytes);
                ends.push(bytes.len());
            }
            let damage = cut.index(bytes.len());
            match flip {
                Some(bit) => bytes[damage] ^= 1 << (bit % 8),
                None => bytes.truncate(damage),
            }
            let (mut read, mut at) = (Vec::new(), 0);
            while let Some((entry, length)) = Entry::read(&bytes[at..]) {
                prop_assert!(length <= LONGEST);
                read.push(entry);
                at += length;
            }
            prop_assert!(flip.is_some() || at == bytes.len() || Entry::is_begun(&bytes[at..]));
            let whole = ends.iter().filter(|&&end| end <= damage).count();
            prop_assert_eq!(&read[..], &entries[..whole]);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            let _ = Entry::read(&bytes);
        }
    }
}
