//! Brokers that die, fall silent, or are not there yet.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use footfall_delivery::{CloseOutcome, Guarantee, KafkaState, Readiness};

use super::block_on;
use super::load::{Load, Seen};
use super::proxy::Proxy;
use super::support::kafka::Kafka;
use super::support::{ToKafka, wait_for, wait_until_healthy};
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

fn open_at(brokers: &str) -> ToKafka {
    ToKafka::open(brokers, &topic(), |settings| {
        settings.memory_max_bytes = MEMORY;
        settings.kafka.as_mut().unwrap().guarantee = guarantee(&topic());
    })
}

/// Drains, reads, and holds it all to the promise.
pub(crate) async fn judge(name: &str, kafka: &Kafka, opened: ToKafka, seen: Seen) -> Verdict {
    let drained = wait_until_drained(&opened).await;
    let stats = opened.stats();
    let closing = opened.delivery.clone();
    let closed = tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
    let name_of_topic = topic();
    let topic = read_topic(&kafka.brokers(), &name_of_topic);
    let records = topic.len() as i64;
    let mut verdict = Verdict::of(name, &topic, seen, stats);
    verdict.hold_to_the_promise(MEMORY);
    if is_exactly_once() {
        // What ends a transaction has an offset of its own.
        let markers = kafka.count(&name_of_topic) - records;
        verdict.expect(verdict.duplicates == 0, "something stands twice among what is committed");
        verdict.expect(markers > 0, "there were no transactions");
    }
    verdict.expect(drained, "the journal was not drained");
    verdict.expect(closed == CloseOutcome::Drained, "the stop left something");
    let left = rows(opened.directory.path());
    verdict.expect(left == 0, &format!("{left} rows are left in the journal"));
    verdict
}

pub(crate) fn killed_5(name: &'static str) -> Verdict {
    killed(name, Duration::from_secs(5))
}

pub(crate) fn killed_30(name: &'static str) -> Verdict {
    killed(name, Duration::from_secs(30))
}

pub(crate) fn killed_120(name: &'static str) -> Verdict {
    killed(name, Duration::from_secs(120))
}

fn killed(name: &'static str, absence: Duration) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        kafka.kill();
        pass(absence).await;
        kafka.start_again();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        verdict
            .expect(verdict.not_ready == Duration::ZERO, "it was not ready, though the journal took events");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn paused_8(name: &'static str) -> Verdict {
    paused(name, Duration::from_secs(8))
}

pub(crate) fn paused_30(name: &'static str) -> Verdict {
    paused(name, Duration::from_secs(30))
}

/// Longer than a transaction may take: the brokers abort what was open.
pub(crate) fn paused_80(name: &'static str) -> Verdict {
    paused(name, Duration::from_secs(80))
}

fn paused(name: &'static str, silence: Duration) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        kafka.pause();
        pass(silence).await;
        kafka.resume();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        let late = verdict.stats.kafka.unwrap().late_acknowledgements;
        verdict.expect(late > 0 || is_exactly_once(), "no late acknowledgement");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn down_at_boot(name: &'static str) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        kafka.kill();
        let opened = open(&kafka);
        let ready = opened.readiness() == Readiness::Ready;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        kafka.start_again();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(ready, "it was not ready at once");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

/// One broker of three dies, so that leaders move; then a second one, which is one too many for min.insync.replicas=2.
pub(crate) fn three(name: &'static str) -> Verdict {
    block_on(async {
        let mut nodes = Kafka::start_three();
        let brokers = nodes.each_ref().map(Kafka::brokers).join(",");
        nodes[0].create_topic(&topic(), &[("min.insync.replicas", "2")]).await;
        let opened = open_at(&brokers);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        nodes[2].kill();
        pass(Duration::from_secs(10)).await;
        wait_until_healthy(&opened).await;
        let with_two = opened.stats().kafka.unwrap();
        nodes[1].kill();
        pass(Duration::from_secs(10)).await;
        let with_one = opened.stats().kafka.unwrap().state;
        std::thread::scope(|scope| {
            nodes[1..].iter_mut().for_each(|node| drop(scope.spawn(|| node.start_again())));
        });
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        println!("    with two brokers {with_two:?}");
        let mut verdict = judge(name, &nodes[0], opened, seen).await;
        verdict.expect(with_one != KafkaState::Healthy, "it was healthy with one broker of three");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

fn behind_a_proxy(name: &'static str, hurt: impl AsyncFnOnce(&Proxy, &Load)) -> Verdict {
    block_on(async {
        let proxy = Proxy::bind();
        let kafka = Kafka::start_behind(proxy.port());
        proxy.forward_to(kafka.port());
        kafka.create_topic(&topic(), &[]).await;
        let opened = ToKafka::open(&format!("127.0.0.1:{}", proxy.port()), &topic(), |settings| {
            settings.memory_max_bytes = MEMORY;
            // A lost answer is noticed by nothing else.
            let kafka = settings.kafka.as_mut().unwrap();
            kafka.request_timeout = Duration::from_secs(3);
            kafka.guarantee = guarantee(&topic());
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 1_000).await;
        hurt(&proxy, &load).await;
        proxy.heal();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 1_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let hurt = [proxy.dropped(), proxy.stalled(), proxy.cut_so_far()];
        println!("    {} answers dropped, {} stalls, {} connections cut", hurt[0], hurt[1], hurt[2]);
        verdict.expect(hurt.iter().sum::<u64>() > 5, "the proxy did nothing");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn answers_dropped(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        proxy.drop_produce_answers(15);
        pass(Duration::from_secs(40)).await;
    })
}

pub(crate) fn cut_every_second(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        for _ in 0..20 {
            pass(Duration::from_secs(1)).await;
            proxy.cut();
        }
    })
}

pub(crate) fn late(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        proxy.be_late(Duration::from_millis(300), 5);
        pass(Duration::from_secs(60)).await;
    })
}
