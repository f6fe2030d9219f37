//! Times as the clients write them: ISO 8601 with an offset, or without one, which is taken for UTC.
//! Whether a time is plausible is judged where it is stamped.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time in Unix milliseconds; what is finer is cut off.
pub(super) fn unix_ms(text: &str) -> Option<i64> {
    let instant = text.parse::<Timestamp>().or_else(|_| {
        let local = text.parse::<DateTime>()?;
        TimeZone::UTC.to_timestamp(local)
    });
    instant.ok().map(|instant| instant.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_clients_write_is_read() {
        for text in [
            "2026-11-23T18:34:36.500Z",
            "2026-11-23T18:34:36.500999999Z",
            "2026-11-23T18:34:36.500+00:00",
            "2026-11-23T20:34:36.5+02:00",
            "2026-11-23 18:34:36.500",
            "20261123T183436.5Z",
        ] {
            assert_eq!(unix_ms(text), Some(1_795_458_876_500), "{text}");
        }
        assert_eq!(unix_ms("2026-11-23"), Some(1_795_392_000_000));
        for text in ["now", "", "1795458876500", "2026-13-01T00:00:00Z", "23.11.2026"] {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_humantime_writes(ms in 0i64..253_402_300_000_000) {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms.unsigned_abs());
            prop_assert_eq!(unix_ms(&humantime::format_rfc3339_millis(time).to_string()), Some(ms));
        }

        #[test]
        fn any_text_is_read_or_not_without_a_panic(text in "[0-9TZ:+. -]{0,32}|\\PC{0,16}") {
            let _ = unix_ms(&text);
        }
    }
}
