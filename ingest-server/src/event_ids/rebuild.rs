//! Fills the window of event ids at a start with what was stored last, in the journal and in Kafka's topics, so that a batch
//! that is sent again after a restart is told by its events. How it is read is delivery's part.

use super::{EventIds, digest::Digest};
use crate::known_ids::seconds;
use crate::stamp::unix_ms;
use footfall_delivery::{DeliverySettings, RecentLimits, RecentRead, read_recent};
use std::time::{Duration, Instant, SystemTime};

/// How long a start may take longer for it.
const MAX_TIME: Duration = Duration::from_secs(5);

impl EventIds {
    /// Reads back the ids of events that were stored within `window` before now, as many as fit, and says in the log what
    /// came of it. It blocks, for five seconds at most.
    pub fn rebuild(&self, delivery: &DeliverySettings, window: Duration) {
        let begun = Instant::now();
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let limits = RecentLimits {
            since_ms: unix_ms(SystemTime::now()).saturating_sub(window_ms),
            max_records: self.stats().max_ids,
            max_time: MAX_TIME,
        };
        let mut found: Vec<(Digest, u32)> = Vec::new();
        let read = read_recent(delivery, ["ce_source", "ce_id"], limits, |[source, id], at| {
            found.extend(self.digest(source, id).map(|digest| (digest, seconds(at))));
        });
        // They came newest first, and the oldest are to go first.
        found.sort_by_key(|(_, seconds)| *seconds);
        let mut table = self.lock();
        found.iter().for_each(|(digest, seconds)| table.remember(*digest, *seconds));
        let ids = table.stats().ids;
        drop(table);
        let RecentRead { records, left_out } = read;
        let without_id = records - found.len();
        let took = begun.elapsed().as_secs_f64();
        let window = humantime::format_duration(window);
        if left_out.is_empty() {
            tracing::info!(
                ids,
                records,
                without_id,
                "event ids of the last {window} were read in {took:.1} s"
            );
        } else {
            tracing::warn!(
                ids,
                records,
                without_id,
                "event ids of the last {window} were read in {took:.1} s, but not all; copies of the rest are told by \
                 their batch alone: {}",
                left_out.join("; ")
            );
        }
    }

    /// The id of a record's headers; none where the record is not ours.
    fn digest(&self, source: Option<&[u8]>, id: Option<&[u8]>) -> Option<Digest> {
        let site = str::from_utf8(source?).ok()?.strip_prefix("/sites/")?;
        Some(self.keys.site(site).digest(str::from_utf8(id?).ok()?))
    }
}
