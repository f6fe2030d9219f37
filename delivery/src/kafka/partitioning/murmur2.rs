//! murmur2 as Kafka's Java client computes it (`org.apache.kafka.common.utils.Utils.murmur2`), and its place for a key.
//! librdkafka's `murmur2_random` is the same, but cannot be asked for one part of a key.

/// Kafka's seed.
const SEED: u32 = 0x9747_b28c;

pub(super) fn murmur2(data: &[u8]) -> u32 {
    seeded(SEED, data)
}

/// The hash with another seed, for what no other client has to agree with.
pub(super) fn seeded(seed: u32, data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = seed ^ data.len() as u32;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (place, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Kafka's `toPositive(murmur2(key))`; a bucket above 0 is hashed behind the key, as one byte.
pub(super) fn positive(key: &[u8], bucket: u8) -> u32 {
    let hash = match bucket {
        0 => murmur2(key),
        bucket => murmur2(&[key, &[bucket]].concat()),
    };
    hash & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own test (`UtilsTest.testMurmur2`).
    #[test]
    fn it_is_kafkas_own_hash() {
        for (key, hash) in [
            ("21", -973932308),
            ("foobar", -790332482),
            ("a-little-bit-long-string", -985981536),
            ("a-little-bit-longer-string", -1486304829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            ("abc", 479470107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
        assert_eq!(positive(b"foobar", 0), 0x7fff_ffff & (-790332482_i32).cast_unsigned());
        assert_ne!(positive(b"foobar", 1), positive(b"foobar", 2));
    }
}
