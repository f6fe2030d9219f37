//! The headers of a record after the CloudEvents 1.0 Kafka binding, in binary mode: their values, each from one event.
//! Which of them a record has is decided above.

use super::texts::Text;
use crate::distinct::distinct;
use bytes::Bytes;
use footfall_event_model::EventType;
use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

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
    let time = UNIX_EPOCH + Duration::from_millis(unix_ms.max(0).unsigned_abs());
    // Writing into memory cannot fail.
    let _ = write!(out, "{}", humantime::format_rfc3339_millis(time));
}

/// A trace that begins with this request, and that nobody records so far (flag 00).
pub(super) fn begun_trace() -> Bytes {
    let [high, low, parent] = [(); 3].map(|()| distinct());
    // All zeroes would say that there is none (W3C Trace Context, section 3.2.2).
    let (low, parent) = (low.max(1), parent.max(1));
    Bytes::from(format!("00-{high:016x}{low:016x}-{parent:016x}-00"))
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
