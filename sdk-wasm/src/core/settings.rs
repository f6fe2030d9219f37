//! What a site can set about queueing and sending, with its bounds.
//! Reading and checking the page's options is left to `npm/src/`.

/// How events are queued and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long an event waits for company, in milliseconds.
    pub flush_interval_ms: u32,
    /// How many events are sent at once without waiting, and the most in a batch; at most 500.
    pub flush_count: usize,
    /// The most events held, sent but unconfirmed ones included.
    pub queue_events: usize,
    /// The most bytes of events held, sent but unconfirmed ones included; all that one page keeps in the browser's
    /// storage stays below it.
    pub queue_bytes: usize,
    /// Anonymous mode: no id of the visitor is made, sent or kept.
    pub private: bool,
    /// Whether batches are kept where they outlive the page.
    pub keeps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flush_interval_ms: 5_000,
            flush_count: 50,
            queue_events: 1_000,
            queue_bytes: 256 * 1024,
            private: false,
            keeps: true,
        }
    }
}
