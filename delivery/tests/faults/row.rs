//! What every row of the table has: a topic of its own, a broker, a guarantee, and the judgement at its end.
//! What is done to it meanwhile stands beside this.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use footfall_delivery::{CloseOutcome, Guarantee};

use super::load::{Load, Seen};
use super::support::kafka::Kafka;
use super::support::{ToKafka, wait_for};
use super::verdict::{Verdict, read_topic, rows, wait_until_drained};

pub(crate) const MEMORY: usize = 16 << 20;

/// The row that runs, so that each has a topic of its own.
static ROW: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn begin_row(number: usize, name: &str) {
    ROW.store(number, Ordering::Relaxed);
    set_exactly_once(name.starts_with("exactly-once"));
}

/// Whether the row's records go in transactions.
static EXACTLY_ONCE: AtomicBool = AtomicBool::new(false);

pub(crate) fn set_exactly_once(is: bool) {
    EXACTLY_ONCE.store(is, Ordering::Relaxed);
}

pub(crate) fn is_exactly_once() -> bool {
    EXACTLY_ONCE.load(Ordering::Relaxed)
}

/// What the row is about; the topic names its server.
pub(crate) fn guarantee(topic: &str) -> Guarantee {
    match is_exactly_once() {
        true => Guarantee::ExactlyOnce { transactional_id: format!("footfall-{topic}") },
        false => Guarantee::AtLeastOnce,
    }
}

pub(crate) fn topic() -> String {
    format!("faults-{}", ROW.load(Ordering::Relaxed))
}

/// A broker that the next row takes over, since starting one takes longer than most rows.
static SPARE: Mutex<Option<Kafka>> = Mutex::new(None);

pub(crate) struct Broker(Option<Kafka>);

impl Broker {
    pub(crate) fn start() -> Self {
        let spare = SPARE.lock().unwrap().take();
        Self(Some(spare.unwrap_or_else(Kafka::start)))
    }
}

impl Deref for Broker {
    type Target = Kafka;

    fn deref(&self) -> &Kafka {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Broker {
    fn deref_mut(&mut self) -> &mut Kafka {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(kafka) = self.0.take().filter(Kafka::is_running) {
            kafka.resume();
            *SPARE.lock().unwrap() = Some(kafka);
        }
    }
}

pub(crate) fn open(kafka: &Kafka) -> ToKafka {
    open_at(&kafka.brokers())
}

pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits until the senders had so many more records acknowledged.
pub(crate) async fn wait_for_more(load: &Load, records: usize) {
    let before = load.acknowledged();
    wait_for("more acknowledgements", || (load.acknowledged() >= before + records).then_some(())).await;
}

pub(crate) fn open_at(brokers: &str) -> ToKafka {
    ToKafka::open(brokers, &topic(), |settings| {
        settings.memory_max_bytes = MEMORY;
        settings.kafka.as_mut().unwrap().guarantee = guarantee(&topic());
    })
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
    let stats = opened.stats();
    let closing = opened.delivery.clone();
    let closed = tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
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
    let left = rows(opened.directory.path());
    verdict.expect(left == 0, &format!("{left} rows are left in the journal"));
    verdict
}
