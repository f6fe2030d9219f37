//! A moment as an operator writes it: how long ago, or a date and a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

/// A moment of the server's clock, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

/// It is kept as it was meant when the command began: `2h` does not move while a long export runs.
impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ago) = humantime::parse_duration(text) {
            let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
            return Ok(Self(Timestamp::now().as_millisecond().saturating_sub(ago)));
        }
        let instant = text.parse::<Timestamp>().or_else(|_| {
            let local = text.parse::<DateTime>()?;
            TimeZone::UTC.to_timestamp(local)
        });
        instant.map(|instant| Self(instant.as_millisecond())).map_err(|_| {
            "it must be how long ago, such as 2h or 3d, or a time, such as 2026-11-26 (UTC) or 2026-11-26T08:00:00+01:00"
                .to_owned()
        })
    }
}

/// RFC 3339, in UTC.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ago_a_date_and_a_time_are_read_and_told_again() {
        let at = |text: &str| text.parse::<Moment>();
        assert_eq!(at("2026-11-26").unwrap().to_string(), "2026-11-26T00:00:00.000Z");
        assert_eq!(at("2026-11-26T08:00:00.25+01:00").unwrap().to_string(), "2026-11-26T07:00:00.250Z");
        let ago = at("0s").unwrap().0 - at("1h").unwrap().0;
        assert!((3_590_000..=3_600_000).contains(&ago), "{ago}");
        for text in ["", "yesterday", "1795458876500", "2026-13-01"] {
            assert!(at(text).unwrap_err().contains("such as 2h"), "{text}");
        }
    }
}
