//! Ids of events and batches: UUID version 7 (RFC 9562), so that they sort by time and tell their own age.
//! Clock and randomness come from the caller: the browser has its own, the server its own, a test a seed.

/// A UUID v7 from a time in Unix milliseconds and ten random bytes, as text of 36 characters.
pub fn uuid_v7(unix_ms: u64, random: &[u8; 10]) -> String {
    let id = uuid::Builder::from_unix_timestamp_millis(unix_ms, random).into_uuid();
    id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_in_the_id_and_version_and_variant_are_set() {
        let id = uuid_v7(0x0123_4567_89ab, &[0xff; 10]);
        assert_eq!(id, "01234567-89ab-7fff-bfff-ffffffffffff");
    }
}
