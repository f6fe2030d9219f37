//! The headers of a record after the CloudEvents 1.0 Kafka binding, in binary mode: their values, each from one event.
//! Which of them a record has is decided above.

use super::texts::Text;
use crate::distinct::{distinct, hex};
use bytes::Bytes;
use footfall_event_model::EventType;
use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `footfall.track.post_view`, `footfall.page`.
pub(super) fn append_type(out: &mut Text, kind: EventType, name: Option<&str>) {
    out.append(b"footfall.");
    out.append(kind.as_str().as_bytes());
    if let Some(name) = name {
        out.append(b".");
        out.append(name.as_bytes());
    }
}

/// A time for `ce_time`; the clock has made one of it that RFC 3339 can write.
pub(super) fn append_time(out: &mut Text, unix_ms: i64) {
    let (day, ms) = (unix_ms.max(0) / DAY_MS, unix_ms.max(0) % DAY_MS);
    if out.last_day.day != Some(day) {
        let midnight = UNIX_EPOCH + Duration::from_millis((day * DAY_MS).unsigned_abs());
        let text = &mut out.last_day.midnight;
        // It fits: 24 bytes up to the year 9999.
        let _ = write!(&mut text[..], "{}", humantime::format_rfc3339_millis(midnight));
        out.last_day.day = Some(day);
    }
    let mut text = out.last_day.midnight;
    let mut write = |at: usize, value: i64, digits: &[i64]| {
        for (byte, place) in text[at..].iter_mut().zip(digits) {
            *byte = b'0' + (value / place % 10) as u8;
        }
    };
    write(11, ms / 3_600_000, &[10, 1]);
    write(14, ms / 60_000 % 60, &[10, 1]);
    write(17, ms / 1000 % 60, &[10, 1]);
    write(20, ms % 1000, &[100, 10, 1]);
    out.append(&text);
}

/// A trace that begins with this request, and that nobody records so far (flag 00).
pub(super) fn begun_trace() -> Bytes {
    let [high, low, parent] = [(); 3].map(|()| distinct());
    // All zeroes would say that there is none (W3C Trace Context, section 3.2.2).
    let (low, parent) = (low.max(1), parent.max(1));
    Bytes::from([&b"00-"[..], &hex(high), &hex(low), b"-", &hex(parent), b"-00"].concat())
}

/// Whether a text has the form of W3C Trace Context's `traceparent`, version 00 (section 3.2); another one would only
/// break a consumer's tracing.
pub(super) fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, length| {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        part.len() == length && part.bytes().all(lower_hex)
    };
    let mut parts = text.split('-');
    let parts = [(); 5].map(|()| parts.next());
    matches!(
        parts,
        [Some("00"), Some(trace), Some(parent), Some(flags), None]
            if hex(trace, 32) && hex(parent, 16) && hex(flags, 2)
    )
}

#[cfg(test)]
mod tests {
    use super::super::texts::Texts;
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them_whichever_came_before() {
        let mut texts = Texts::new(8);
        for unix_ms in
            [0, 7, 1_764_000_000_999, 1_764_000_000_010, 1_764_000_001_000, 999, 253_402_300_799_999, -5]
        {
            append_time(texts.begin(), unix_ms);
            let time = UNIX_EPOCH + Duration::from_millis(unix_ms.max(0).unsigned_abs());
            assert_eq!(texts.keep(), humantime::format_rfc3339_millis(time).to_string(), "{unix_ms}");
        }
    }
}
