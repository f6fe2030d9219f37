//! What every row of the table has: a topic of its own, a broker, a guarantee, and the judgement at its end.
//! What is done to it meanwhile stands beside this.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use footfall_delivery::journal::JOURNAL_FILE;
use footfall_delivery::{CloseOutcome, Delivery, DeliverySettings, Guarantee, GuaranteeName};

use super::lent::Broker;
use super::load::{Load, Seen};
use super::support::kafka::Kafka;
use super::support::{ToKafka, kafka_settings, wait_for, wait_until_healthy};
use super::verdict::{Verdict, read_topic, rows, wait_until_drained};

pub(crate) const MEMORY: usize = 16 << 20;

/// The row that runs, so that each has a topic of its own.
static ROW: AtomicUsize = AtomicUsize::new(0);

/// A row's name begins with its guarantee where that is not the default.
pub(crate) fn begin_row(number: usize, name: &str) {
    ROW.store(number, Ordering::Relaxed);
    let said = name.split_once(": ").and_then(|(prefix, _)| prefix.parse().ok());
    *GUARANTEE.lock().unwrap() = said.unwrap_or(GuaranteeName::AtLeastOnce);
}

/// What the row is about.
static GUARANTEE: Mutex<GuaranteeName> = Mutex::new(GuaranteeName::AtLeastOnce);

fn guarantee_name() -> GuaranteeName {
    *GUARANTEE.lock().unwrap()
}

pub(crate) fn is_exactly_once() -> bool {
    guarantee_name() == GuaranteeName::ExactlyOnce
}

pub(crate) fn is_at_most_once() -> bool {
    guarantee_name() == GuaranteeName::AtMostOnce
}

/// The topic names its server.
fn guarantee(topic: &str) -> Guarantee {
    match guarantee_name() {
        GuaranteeName::AtMostOnce => Guarantee::AtMostOnce,
        GuaranteeName::AtLeastOnce => Guarantee::AtLeastOnce,
        GuaranteeName::ExactlyOnce => {
            Guarantee::ExactlyOnce { transactional_id: format!("footfall-{topic}") }
        }
    }
}

pub(crate) fn row() -> usize {
    ROW.load(Ordering::Relaxed)
}

pub(crate) fn topic() -> String {
    format!("faults-{}", row())
}

/// What every row sets: a small memory, and its guarantee.
pub(crate) fn settings(directory: &Path, brokers: &str) -> DeliverySettings {
    let mut settings = kafka_settings(directory, brokers, &topic());
    settings.kafka.as_mut().unwrap().guarantee = guarantee(&topic());
    DeliverySettings { memory_max_bytes: MEMORY, ..settings }
}

pub(crate) fn open(kafka: &Kafka) -> ToKafka {
    open_at(&kafka.brokers())
}

pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Loads a topic of these settings, has something done to broker or topic meanwhile, and goes on until all is well again.
/// Gives what the senders saw, and what came of that which was done.
pub(crate) async fn under_load<T>(
    kafka: &mut Broker,
    topic_settings: &[(&str, &str)],
    hurt: impl AsyncFnOnce(&mut Broker, &ToKafka, &Load) -> T,
) -> (ToKafka, Seen, T) {
    kafka.create_topic(&topic(), topic_settings).await;
    let opened = open(kafka);
    wait_until_healthy(&opened).await;
    let load = Load::start(&opened, "a");
    wait_for_more(&load, 2_000).await;
    let done = hurt(kafka, &opened, &load).await;
    wait_until_healthy(&opened).await;
    wait_for_more(&load, 2_000).await;
    (opened, load.stop().await, done)
}

/// Waits until the senders had so many more records acknowledged.
pub(crate) async fn wait_for_more(load: &Load, records: usize) {
    let before = load.acknowledged();
    wait_for("more acknowledgements", || (load.acknowledged() >= before + records).then_some(())).await;
}

pub(crate) fn open_at(brokers: &str) -> ToKafka {
    open_with(brokers, |_| ())
}

pub(crate) fn open_with(brokers: &str, change: impl FnOnce(&mut DeliverySettings)) -> ToKafka {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), brokers);
    change(&mut settings);
    ToKafka { delivery: Delivery::open(settings).unwrap(), directory }
}

/// Drains, reads, and holds it all to the promise.
pub(crate) async fn judge(name: &str, kafka: &Kafka, opened: ToKafka, seen: Seen) -> Verdict {
    judge_topics(name, kafka, opened, seen, &[topic()]).await
}

/// The same for events that stand in several topics; each key's in one of them.
pub(crate) async fn judge_topics(
    name: &str,
    kafka: &Kafka,
    opened: ToKafka,
    seen: Seen,
    topics: &[String],
) -> Verdict {
    let drained = wait_until_drained(&opened).await;
    let closing = opened.delivery.clone();
    let closed = tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
    // What is counted is counted by now.
    let stats = opened.stats();
    let mut ids = Vec::new();
    for topic in topics {
        let of_topic = read_topic(&kafka.brokers(), topic);
        assert!(of_topic.len() > 100, "too little is in {topic} to prove anything");
        ids.extend(of_topic);
    }
    let mut verdict = Verdict::of(name, &ids, seen, stats);
    verdict.hold_to_the_promise(MEMORY);
    if is_exactly_once() {
        // What ends a transaction has an offset of its own.
        let offsets: i64 = topics.iter().map(|topic| kafka.count(topic)).sum();
        let markers = offsets - ids.len() as i64;
        verdict.expect(verdict.duplicates == 0, "something stands twice among what is committed");
        verdict.expect(markers > 0, "there were no transactions");
    }
    verdict.expect(drained, "the journal was not drained");
    verdict.expect(closed == CloseOutcome::Drained, "the stop left something");
    if is_at_most_once() {
        verdict.expect(!opened.directory.path().join(JOURNAL_FILE).exists(), "there is a journal");
    } else {
        let left = rows(opened.directory.path());
        verdict.expect(left == 0, &format!("{left} rows are left in the journal"));
    }
    verdict
}
