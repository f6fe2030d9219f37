//! The clock of the forum and how a point in time is shown to a reader.
//! Where a time comes from and what it is stored as is left to the store.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in Unix milliseconds; 0 on a machine whose clock stands before 1970.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A point in time as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// For machines, in the form of `<time datetime>`, in UTC.
    pub(crate) iso: String,
    /// For people, such as `5 minutes ago`.
    pub(crate) ago: String,
}

impl Moment {
    pub(crate) fn new(at_ms: i64, iso: String, now_ms: i64) -> Self {
        Self { iso, ago: ago(now_ms.saturating_sub(at_ms)) }
    }
}

fn ago(elapsed_ms: i64) -> String {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let count = |unit: i64, name: &str| {
        let n = elapsed_ms / unit;
        if n == 1 { format!("1 {name} ago") } else { format!("{n} {name}s ago") }
    };
    match elapsed_ms {
        ..MINUTE => "just now".into(),
        MINUTE..HOUR => count(MINUTE, "minute"),
        HOUR..DAY => count(HOUR, "hour"),
        DAY.. => count(DAY, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_told_in_the_largest_whole_unit() {
        let minute = 60_000;
        for (elapsed, words) in [
            (-5, "just now"),
            (minute - 1, "just now"),
            (minute, "1 minute ago"),
            (59 * minute, "59 minutes ago"),
            (60 * minute, "1 hour ago"),
            (25 * 60 * minute, "1 day ago"),
            (72 * 60 * minute, "3 days ago"),
        ] {
            assert_eq!(ago(elapsed), words);
        }
    }
}
