//! Stores the dead letters of a request beside its events, and counts what became of them.
//! They never change what is said of the events: an event that broke a rule is `invalid` whether its letter was kept or not.

use crate::metrics::from_zero;
use footfall_delivery::{Batch, Delivery, Record};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a request waits for its dead letters: a topic that is away must not hold up answers about events.
const WAIT: Duration = Duration::from_secs(5);

/// What became of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LetterLabels {
    /// `stored`, or the code for which it was not.
    pub result: &'static str,
}

/// What became of the dead letters.
#[derive(Debug, Default)]
pub struct LetterCounts {
    letters: Family<LetterLabels, Counter>,
    failing: AtomicBool,
}

impl LetterCounts {
    /// Registers what is counted.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "dead_letters",
            "Refused events by what became of their letters",
            self.letters.clone(),
        );
        from_zero(&self.letters, [LetterLabels { result: "stored" }]);
    }

    fn count(&self, result: &'static str, letters: usize) {
        self.letters.get_or_create(&LetterLabels { result }).inc_by(letters as u64);
    }
}

/// Makes dead letters durable, and says so once when that begins to fail.
pub(crate) async fn store(delivery: &Delivery, letters: Vec<Record>, counts: &LetterCounts) {
    if letters.is_empty() {
        return;
    }
    let number = letters.len();
    let failed = match tokio::time::timeout(WAIT, delivery.append(Batch::dead_letters(letters))).await {
        Ok(Ok(_)) => {
            counts.count("stored", number);
            counts.failing.store(false, Ordering::Relaxed);
            return;
        }
        Ok(Err(error)) => (error.code(), error.to_string()),
        Err(_) => ("timed_out", format!("no acknowledgement within {WAIT:?}")),
    };
    counts.count(failed.0, number);
    if !counts.failing.swap(true, Ordering::Relaxed) {
        tracing::warn!(code = failed.0, "dead letters are not kept: {}", failed.1);
    }
}
