//! `drain_max_rate`: what waited goes to a Kafka that is back no faster than that.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::support::kafka::Kafka;
use crate::support::{ToKafka, batch, wait_for, wait_for_state};

use footfall_delivery::{KafkaState, Stored};

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
