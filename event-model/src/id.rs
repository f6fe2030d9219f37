//! Ids of events and batches: UUID version 7 (RFC 9562), so that they sort by time and tell their own age.
//! Clock and randomness come from the caller: the browser has its own, the server its own, a test a seed.

/// A UUID v7 from a time in Unix milliseconds and ten random bytes, as text of 36 characters.
pub fn uuid_v7(unix_ms: u64, random: &[u8; 10]) -> String {
    let id = uuid::Builder::from_unix_timestamp_millis(unix_ms, random).into_uuid();
    id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
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
}
