//! How fast what waited goes to a Kafka that is back: no faster than `drain_max_rate`, and never at the cost of live events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::kafka::Kafka;
use support::{ToKafka, batch, record, wait_for, wait_for_state, wait_until_healthy};

use footfall_delivery::{Batch, Delivery, KafkaState, Record, Stored};

const RATE: u32 = 400;
const RECORDS: usize = 3_000;

/// Times pass slower than they are measured on a busy machine, never faster, so there is an upper bound alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_journal_is_drained_no_faster_than_was_set() {
    let mut kafka = Kafka::start();
    kafka.create_topic("paced", &[]).await;
    kafka.kill();
    let opened = ToKafka::open(&kafka.brokers(), "paced", |settings| {
        settings.kafka.as_mut().unwrap().drain_max_rate = NonZeroU32::new(RATE);
    });
    for first in (0..RECORDS).step_by(100) {
        let receipt = opened.append(batch(first..first + 100)).await.unwrap();
        assert_eq!(receipt.stored, Stored::Journal);
    }
    kafka.start_again();
    let drained = || opened.stats().kafka.unwrap().drained_records;
    let first = wait_for("the first rows", || Some(drained()).filter(|drained| *drained > 0)).await;
    let begun = Instant::now();
    let last = wait_for("all rows", || Some(drained()).filter(|drained| *drained == RECORDS as u64)).await;
    let took = begun.elapsed();
    let rate = (last - first) as f64 / took.as_secs_f64();
    println!("{} rows in {took:?}: {rate:.0} a second", last - first);
    assert!(took > Duration::from_secs(2), "most of it was drained before it could be measured");
    assert!(rate < f64::from(RATE) * 1.5, "{rate:.0} rows a second, and {RATE} are allowed");
    wait_for_state(&opened, KafkaState::Healthy).await;
    assert_eq!(kafka.count("paced"), RECORDS as i64);
}

/// Of it a quarter is the drain's, a half the producer's.
const MEMORY: usize = 8 << 20;
const WAITING: usize = 60_000;

/// What a sender saw of live batches while Kafka was in one state.
#[derive(Debug, Default)]
struct Seen {
    took: Vec<Duration>,
    /// The most memory that records took at a time.
    memory_bytes: usize,
}

impl Seen {
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * percent / 100]
    }
}

/// Appends one batch of 20 after the other until told to stop; a state that changes meanwhile has the batch of neither.
async fn live(delivery: Delivery, is_over: Arc<AtomicBool>) -> HashMap<KafkaState, Seen> {
    let mut seen: HashMap<KafkaState, Seen> = HashMap::new();
    let state = || delivery.stats().kafka.unwrap().state;
    while !is_over.load(Ordering::Relaxed) {
        let (before, begun) = (state(), Instant::now());
        delivery.append(batch(0..20)).await.expect("a live batch was refused");
        let took = begun.elapsed();
        let memory_bytes = delivery.stats().memory_bytes;
        if state() == before {
            let seen = seen.entry(before).or_default();
            seen.took.push(took);
            seen.memory_bytes = seen.memory_bytes.max(memory_bytes);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

/// What keeps it is the drain's share of the memory, which is held to here; the figures are for whoever reads them.
#[tokio::test(flavor = "multi_thread")]
async fn live_events_keep_their_latency_while_the_journal_is_drained() {
    let mut kafka = Kafka::start();
    kafka.create_topic("busy", &[]).await;
    let opened = ToKafka::open(&kafka.brokers(), "busy", |settings| settings.memory_max_bytes = MEMORY);
    wait_until_healthy(&opened).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let live = tokio::spawn(live(opened.delivery.clone(), Arc::clone(&is_over)));
    let more = async || {
        let before = opened.stats().appended_batches;
        wait_for("live batches", || (opened.stats().appended_batches > before + 200).then_some(())).await;
    };
    more().await;
    kafka.kill();
    wait_for_state(&opened, KafkaState::Away).await;
    let large = |number| Record { payload: vec![b'x'; 500].into(), ..record(number) };
    for first in (0..WAITING).step_by(1_000) {
        let receipt = opened.append(Batch::new((first..first + 1_000).map(large).collect())).await.unwrap();
        assert_eq!(receipt.stored, Stored::Journal);
    }
    more().await;
    kafka.start_again();
    wait_until_healthy(&opened).await;
    is_over.store(true, Ordering::Relaxed);
    let seen = live.await.unwrap();
    for (state, seen) in &seen {
        let [p50, p99, worst] = [50, 99, 100].map(|percent| seen.percentile(percent));
        println!(
            "{:10} {:5} batches, p50 {p50:?}, p99 {p99:?}, at most {worst:?} and {} KiB of memory",
            state.as_str(),
            seen.took.len(),
            seen.memory_bytes >> 10
        );
    }
    let (away, draining) = (&seen[&KafkaState::Away], &seen[&KafkaState::Recovering]);
    assert!(draining.took.len() > 20, "it was drained before it could be measured");
    assert!(draining.memory_bytes < MEMORY / 2, "the drain takes the memory of live events");
    assert!(draining.percentile(100) < Duration::from_secs(3), "a live batch waited too long");
    let bearable = away.percentile(50) * 10 + Duration::from_millis(50);
    assert!(draining.percentile(50) < bearable, "half of the live batches waited longer than {bearable:?}");
}
