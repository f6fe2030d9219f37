//! What the tests of this crate share: records to append, waiting for a condition, a real Kafka.
//! Each test file uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

pub(crate) mod child;
pub(crate) mod kafka;

use std::path::Path;
use std::time::{Duration, Instant};

use footfall_delivery::{Batch, Delivery, DeliverySettings, Header, Readiness, Record};

/// Longer than anything takes on a busy machine; only a broken promise gets there.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn record(number: usize) -> Record {
    Record {
        key: Some(format!("user-{}", number % 7).into()),
        headers: vec![Header::new("ce_id", format!("id-{number}")), Header::new("ce_type", "post_view")],
        payload: format!(r#"{{"event":"post_view","seq":{number}}}"#).into(),
        ..Record::default()
    }
}

pub(crate) fn batch(numbers: impl IntoIterator<Item = usize>) -> Batch {
    Batch::new(numbers.into_iter().map(record).collect())
}

/// One record with a payload of this many bytes.
pub(crate) fn large_batch(bytes: usize) -> Batch {
    Batch::new(vec![Record { payload: vec![b'x'; bytes].into(), ..Record::default() }])
}

pub(crate) fn journal(directory: &Path) -> Delivery {
    Delivery::open(DeliverySettings::new(directory)).unwrap()
}

/// Waits until `condition` gives something, or fails with `what` was waited for.
pub(crate) async fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) async fn wait_until_ready(delivery: &Delivery) {
    wait_for("readiness", || (delivery.readiness() == Readiness::Ready).then_some(())).await;
}

/// Waits for a reason that contains `words`.
pub(crate) async fn wait_until_not_ready(delivery: &Delivery, words: &str) {
    let mut last = String::new();
    let what = format!("not ready for `{words}`");
    wait_for(&what, || match delivery.readiness() {
        Readiness::NotReady { reason } => {
            if reason != last {
                println!("not ready: {reason}");
                last.clone_from(&reason);
            }
            reason.contains(words).then_some(())
        }
        Readiness::Ready => None,
    })
    .await;
}
