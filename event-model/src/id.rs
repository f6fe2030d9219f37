//! Ids of events and batches: UUID version 7 (RFC 9562), so that they sort by time and tell their own age.
//! Clock and randomness come from the caller: the browser has its own, the server its own, a test a seed.

use crate::text::push_digit;

/// A UUID v7 from a time in Unix milliseconds and ten random bytes, as text of 36 characters.
pub fn uuid_v7(unix_ms: u64, random: &[u8; 10]) -> String {
    let [a, b, rest @ ..] = *random;
    uuid_v7_of(unix_ms, u64::from_be_bytes([0, 0, 0, 0, 0, 0, a, b]), u64::from_be_bytes(rest))
}

/// The same from two random numbers, of which the lower 12 and the lower 62 bits are used. Written out here, since the
/// `uuid` crate is four times as much for each visitor's browser to fetch.
pub fn uuid_v7_of(unix_ms: u64, random: u64, more_random: u64) -> String {
    let mut id = String::new();
    for half in &[unix_ms << 16 | 7 << 12 | random & 0xfff, 2 << 62 | more_random & !0 >> 2] {
        let mut half = *half;
        for _ in 0..16 {
            if matches!(id.len(), 8 | 13 | 18 | 23) {
                id += "-";
            }
            half = half.rotate_left(4);
            push_digit(&mut id, (half & 15) as usize);
        }
    }
    id
}

/// The time in a UUID v7, in Unix milliseconds; `None` where the text is no UUID of that version.
pub fn uuid_v7_ms(text: &str) -> Option<u64> {
    let id = uuid::Uuid::try_parse(text).ok().filter(|id| id.get_version_num() == 7)?;
    Some(id.as_u64_pair().0 >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_v7_tells_its_time() {
        for time in [0, 1_795_458_876_617, (1 << 48) - 1] {
            assert_eq!(uuid_v7_ms(&uuid_v7(time, &[0xa5; 10])), Some(time));
        }
        for other in ["", "b1", "01234567-89ab-4fff-bfff-ffffffffffff", "0123456789ab7fffbfff", "é"] {
            assert_eq!(uuid_v7_ms(other), None, "{other}");
        }
    }

    #[test]
    fn the_time_is_in_the_id_and_version_and_variant_are_set() {
        let id = uuid_v7(0x0123_4567_89ab, &[0xff; 10]);
        assert_eq!(id, "01234567-89ab-7fff-bfff-ffffffffffff");
    }

    #[test]
    fn it_is_what_the_uuid_crate_makes_of_the_same() {
        for time in [0, 1_795_458_876_617, (1 << 48) - 1] {
            let random = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x11, 0x22];
            let expected = uuid::Builder::from_unix_timestamp_millis(time, &random).into_uuid();
            assert_eq!(uuid_v7(time, &random), expected.hyphenated().to_string());
        }
    }
}
