//! What a value of a setting may be: each reader takes its text, or says in words what would be right.
//! Where the value stood, and which setting it is, is known above.

use super::AddressPolicy;
use crate::log::LogFormat;
use bytesize::ByteSize;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::thread::available_parallelism;
use std::time::Duration;

/// No wait of the server's is longer, so that no sum of waits overflows.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// More threads than any machine has processors are a mistake.
const MOST_THREADS: usize = 1024;

pub(super) fn non_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// What something is called in each record.
pub(super) fn name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 64 && !text.contains(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("it must have 1 to 64 bytes and no control characters".to_owned())
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "it must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

pub(super) fn size(text: &str) -> Result<usize, String> {
    let bytes = text.parse::<ByteSize>().ok().and_then(|size| usize::try_from(size.as_u64()).ok());
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| "it must be a size above 0, such as 64MiB".to_owned())
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "it must be a whole number above 0".to_owned())
}

/// So many threads. Not all processors: beside what answers requests there are librdkafka's own thread for a broker and the
/// journal's, which want a quarter of the server's time and more, and every further thread that answers costs wake-ups.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    if text == "auto" {
        return Ok(available_parallelism().map_or(1, |processors| (processors.get() - 1).max(1)));
    }
    let count = text.parse().ok().filter(|count| (1..=MOST_THREADS).contains(count));
    count.ok_or_else(|| format!("it must be auto, or a whole number from 1 to {MOST_THREADS}"))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).ok().filter(|duration| *duration <= LONGEST);
    parsed
        .ok_or_else(|| "it must be a duration of at most a day with its unit, such as 10s or 5ms".to_owned())
}

/// A share of the whole.
pub(super) fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
    number
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| "it must be a share from 1% to 100%, such as 50%".to_owned())
}

/// So many a second, or no limit.
pub(super) fn rate(text: &str) -> Result<Option<NonZeroU32>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "it must be off or a whole number from 1 on, such as 20000".to_owned())
}

/// How long something is kept: `None` is for ever.
pub(super) fn age(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    let parsed = humantime::parse_duration(text).ok().filter(|age| *age >= Duration::from_secs(1));
    parsed.map(Some).ok_or_else(|| "it must be off or a duration from 1s on, such as 7d or 12h".to_owned())
}

/// A size of its own, or a share of another bound, of which a tenth must be left; `None` is no such bound.
pub(super) fn part(text: &str) -> Result<Option<Part>, String> {
    if text == "off" {
        return Ok(None);
    }
    let share = percent(text).ok().filter(|percent| *percent <= 90).map(Part::Percent);
    let part = share.or_else(|| size(text).ok().map(|bytes| Part::Bytes(bytes as u64)));
    part.map(Some).ok_or_else(|| "it must be off, a share from 1% to 90%, or a size such as 10GiB".to_owned())
}

/// A part of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Percent(u8),
    Bytes(u64),
}

impl Part {
    pub(super) fn of(self, bound_bytes: u64) -> u64 {
        match self {
            Self::Percent(percent) => bound_bytes / 100 * u64::from(percent),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A duration in which something has to happen.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    duration(text)
        .and_then(|wait| if wait.is_zero() { Err("it must be above 0".to_owned()) } else { Ok(wait) })
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it must be on or off".to_owned()),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it must be text or json".to_owned()),
    }
}

pub(super) fn policy(text: &str) -> Result<AddressPolicy, String> {
    match text {
        "truncate" => Ok(AddressPolicy::Truncate),
        "drop" => Ok(AddressPolicy::Drop),
        "hash" => Ok(AddressPolicy::Hash),
        "full" => Ok(AddressPolicy::Full),
        _ => Err("it must be truncate, hash, drop or full".to_owned()),
    }
}
