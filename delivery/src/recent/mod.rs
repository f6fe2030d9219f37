//! Reads back what was stored last, the newest first, for whoever must know it again after a restart: the journal's rows,
//! then the ends of the topics. What is read, and how far back, is bounded by the reader's limits; what the headers mean is its business.

mod journal;

use std::time::{Duration, Instant};

use crate::headers::Header;
use crate::kafka::RecentTopics;
use crate::settings::DeliverySettings;

/// How far back is read; the first of these ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentLimits {
    /// Nothing that was stored before this time (milliseconds since 1970), but for rows that still wait for Kafka.
    pub since_ms: i64,
    /// The most records that are read.
    pub max_records: usize,
    /// The longest that the reading may take.
    pub max_time: Duration,
}

/// What a reading came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentRead {
    /// Records that were read.
    pub records: usize,
    /// What was not read within the limits, and why, in words; empty where everything was.
    pub left_out: Vec<String>,
}

/// Shows these headers of the records that were stored last, each with the time at which that was, in milliseconds since
/// 1970. A record that goes from the journal to Kafka meanwhile may be shown twice, and is never missed.
///
/// Call it after [`Delivery::open`](crate::Delivery::open), which makes the journal readable. It blocks, and a Kafka that
/// is away costs no more than `max_time`.
pub fn read_recent<const N: usize>(
    settings: &DeliverySettings,
    names: [&str; N],
    limits: RecentLimits,
    mut visit: impl FnMut([Option<&[u8]>; N], i64),
) -> RecentRead {
    let mut reading =
        Reading { limits, until: Instant::now() + limits.max_time, read: RecentRead::default() };
    // The journal first: a row that leaves it from here on is in the topic before that one's end is looked up.
    journal::read(&settings.data_dir, &mut reading, &mut |headers, at| visit(pick(headers, names), at));
    if let Some(kafka) = &settings.kafka {
        match RecentTopics::open(kafka, reading.limits.since_ms, reading.until) {
            Ok(topics) => topics.read(names, &mut reading, &mut visit),
            Err(reason) => reading.left_out(reason),
        }
    }
    reading.read
}

fn pick<'h, const N: usize>(headers: &'h [Header], names: [&str; N]) -> [Option<&'h [u8]>; N] {
    names.map(|name| headers.iter().find(|header| header.name == name).map(|header| header.value.as_ref()))
}

/// A reading under way.
pub(crate) struct Reading {
    pub(crate) limits: RecentLimits,
    pub(crate) until: Instant,
    read: RecentRead,
}

impl Reading {
    /// One more record was read.
    pub(crate) fn count(&mut self) {
        self.read.records += 1;
    }

    pub(crate) fn left_out(&mut self, what: String) {
        self.read.left_out.push(what);
    }

    /// Which limit is reached, if one is.
    pub(crate) fn limit(&self) -> Option<String> {
        let RecentLimits { max_records, max_time, .. } = self.limits;
        if self.read.records >= max_records {
            return Some(format!("{max_records} records were read"));
        }
        (Instant::now() >= self.until).then(|| format!("{max_time:?} were over"))
    }
}
