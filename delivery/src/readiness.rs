//! Whether something durable can be written now, and why not.
//! It is told by the journal's writer and by the Kafka probe; it probes nothing itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether an append has a good chance now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Records can be made durable.
    Ready,
    /// They cannot, for this cause.
    NotReady {
        /// The cause in words, for a probe's answer.
        reason: String,
    },
}

/// The state as last seen; a log line when it changes and none in between.
#[derive(Debug)]
pub(crate) struct Health {
    store: &'static str,
    ready: AtomicBool,
    reason: Mutex<Reason>,
}

#[derive(Debug)]
struct Reason {
    words: String,
    /// Whether the log has had a line of it; what it says may change with each probe.
    told: bool,
}

impl Health {
    /// Not ready for `reason` until told otherwise; `store` names it in the log.
    pub(crate) fn starting(store: &'static str, reason: String) -> Self {
        Self {
            store,
            ready: AtomicBool::new(false),
            reason: Mutex::new(Reason { words: reason, told: false }),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self) {
        if self.is_ready() {
            return;
        }
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).told = false;
        self.ready.store(true, Ordering::Release);
        tracing::info!(store = self.store, "ready: records can be made durable");
    }

    pub(crate) fn set_not_ready(&self, reason: String) {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        self.ready.store(false, Ordering::Release);
        if !std::mem::replace(&mut known.told, true) {
            tracing::warn!(store = self.store, "not ready: {reason}");
        } else if known.words != reason {
            tracing::debug!(store = self.store, "still not ready: {reason}");
        }
        known.words = reason;
    }

    /// Not ready for good, on purpose: nothing to warn of.
    pub(crate) fn end(&self, reason: &str) {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone_into(&mut known.words);
        self.ready.store(false, Ordering::Release);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.is_ready() {
            return Readiness::Ready;
        }
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner).words.clone();
        Readiness::NotReady { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_log_has_one_line_for_each_change_and_none_in_between() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || {
            let health = Health::starting("kafka", "no answer yet".into());
            for failures in 1..9 {
                health.set_not_ready(format!("{failures} failures in a row"));
            }
            health.set_ready();
            health.set_ready();
            health.set_not_ready("1 failure".into());
            health.set_not_ready("2 failures in a row".into());
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 3, "{log}");
        for (line, words) in
            lines.iter().zip(["not ready: 1 failures", "ready: records", "not ready: 1 failure"])
        {
            assert!(line.contains(words), "{line}");
        }
    }

    #[test]
    fn the_latest_cause_is_told_until_it_is_over() {
        let health = Health::starting("journal", "opening".into());
        assert_eq!(health.readiness(), Readiness::NotReady { reason: "opening".into() });
        health.set_ready();
        assert_eq!(health.readiness(), Readiness::Ready);
        health.set_not_ready("disk full".into());
        health.set_not_ready("disk gone".into());
        assert_eq!(health.readiness(), Readiness::NotReady { reason: "disk gone".into() });
    }
}
