//! Which sessions are sent at all, where a site wants a share of them. A session is in for the lower rates only if it
//! is in for the higher ones, so that the events of one that is in complete each other.

/// Rates are told apart down to a millionth.
const PARTS: u64 = 1_000_000;

/// Whether a session is in at a rate, a decimal such as `0.25`; an empty one is all.
pub(super) fn is_in(session: &str, rate: &str) -> bool {
    rate.is_empty() || (u64::from(hash(session)) * PARTS) >> 32 < parts(rate)
}

/// FNV-1a, 32 bit (<http://www.isthe.com/chongo/tech/comp/fnv/>), with a last mixing, since ids differ little in their
/// first bytes and the high bits are what is used.
pub(super) fn hash(text: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in text.as_bytes() {
        hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash ^ (hash >> 13)
}

/// A decimal below 1 in parts of a million; what has another form is all.
fn parts(rate: &str) -> u64 {
    let mut digits = rate.as_bytes().iter();
    if digits.next() != Some(&b'0') {
        return PARTS;
    }
    digits.next();
    let mut parts = 0;
    for _ in 0..6 {
        parts = parts * 10 + u64::from(digits.next().unwrap_or(&b'0').wrapping_sub(b'0'));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Now;
    use crate::core::identity::new_id;
    use crate::core::random::Random;

    #[test]
    fn a_rate_is_read_in_parts() {
        for (rate, expected) in
            [("0.5", 500_000), ("0.25", 250_000), ("0.000001", 1), ("1", PARTS), ("1.0", PARTS), ("0", 0)]
        {
            assert_eq!(parts(rate), expected, "{rate}");
        }
    }

    #[test]
    fn the_share_of_sessions_is_the_rate_and_lower_rates_are_within_higher_ones() {
        let mut random = Random::new(3);
        let ids: Vec<String> = (0..20_000)
            .map(|at| new_id(Now { unix_ms: 1_795_458_876_500 + at * 37, monotonic_ms: 0 }, &mut random))
            .collect();
        for (rate, expected) in [("0.5", 10_000_i32), ("0.1", 2_000), ("0.01", 200)] {
            let share = ids.iter().filter(|id| is_in(id, rate)).count() as i32;
            assert!((share - expected).abs() < 300.min(expected / 3), "{rate}: {share}");
        }
        assert!(ids.iter().filter(|id| is_in(id, "0.1")).all(|id| is_in(id, "0.5")));
        assert!(ids.iter().all(|id| is_in(id, "") && is_in(id, "1")));
        assert!(!ids.iter().any(|id| is_in(id, "0")));
    }
}
