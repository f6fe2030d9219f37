//! What the tests of this crate share: records to append, waiting for a condition, a real Kafka.
//! Each test file uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

pub(crate) mod child;
pub(crate) mod kafka;
pub(crate) mod ports;

use std::path::Path;
use std::time::{Duration, Instant};

use footfall_delivery::{
    Batch, Delivery, DeliverySettings, Header, KafkaSettings, KafkaState, Readiness, Record,
};

/// Longer than anything takes on a busy machine; only a broken promise gets there.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn record(number: usize) -> Record {
    Record {
        key: Some(format!("user-{}", number % 7).into()),
        headers: vec![Header::new("ce_id", format!("id-{number}")), Header::new("ce_type", "post_view")]
            .into(),
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

/// A delivery to a topic, with a journal of its own that goes with it.
pub(crate) struct ToKafka {
    pub(crate) delivery: Delivery,
    pub(crate) directory: tempfile::TempDir,
}

impl std::ops::Deref for ToKafka {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}

impl ToKafka {
    pub(crate) fn open(brokers: &str, topic: &str, change: impl FnOnce(&mut DeliverySettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = kafka_settings(directory.path(), brokers, topic);
        change(&mut settings);
        Self { delivery: Delivery::open(settings).unwrap(), directory }
    }
}

pub(crate) fn kafka_settings(directory: &Path, brokers: &str, topic: &str) -> DeliverySettings {
    let kafka = KafkaSettings { topic: topic.to_owned(), ..KafkaSettings::new(brokers.split(',')) };
    DeliverySettings { kafka: Some(kafka), ..DeliverySettings::new(directory) }
}

pub(crate) async fn wait_for_state(delivery: &Delivery, state: KafkaState) {
    wait_for(state.as_str(), || (delivery.stats().kafka?.state == state).then_some(())).await;
}

pub(crate) async fn wait_until_healthy(delivery: &Delivery) {
    wait_for_state(delivery, KafkaState::Healthy).await;
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

/// Shows what delivery says, as an operator would read it.
pub(crate) fn log() {
    tracing_subscriber::fmt().with_env_filter("info").with_writer(std::io::stderr).init();
}
