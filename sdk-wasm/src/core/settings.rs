//! What a site can set about queueing and sending, with its bounds.
//! Reading it from the page's options is left to `browser/options.rs`.

use footfall_event_model::limits::BATCH_EVENTS;
use std::ops::RangeInclusive;

/// How events are queued and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long an event waits for company, in milliseconds.
    pub flush_interval_ms: u32,
    /// How many events are sent at once without waiting.
    pub flush_count: usize,
    /// The most events held, sent but unanswered ones included.
    pub queue_events: usize,
    /// The most bytes of events held, sent but unanswered ones included.
    pub queue_bytes: usize,
    /// Names of the events that the site counts on: sent at once, dropped last.
    pub key_events: Vec<String>,
    /// Anonymous mode: no id of the visitor is made, sent or kept, and nothing is stored.
    pub private: bool,
}

impl Settings {
    /// What `flush_interval_ms` may be.
    pub const FLUSH_INTERVAL_MS: RangeInclusive<u32> = 100..=600_000;
    /// What `flush_count` may be.
    pub const FLUSH_COUNT: RangeInclusive<u32> = 1..=BATCH_EVENTS as u32;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flush_interval_ms: 5_000,
            flush_count: 50,
            queue_events: 1_000,
            queue_bytes: 512 * 1024,
            key_events: Vec::new(),
            private: false,
        }
    }
}
