//! What delivery costs a record while Kafka is healthy, beside a bare librdkafka producer with the same records.
//! It judges nothing in a debug build, whose figures say little; `make faults` does not run it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use footfall_delivery::{Batch, Delivery, Record};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};

use super::block_on;
use super::load::record;
use super::support::kafka::Kafka;
use super::support::{ToKafka, wait_until_healthy};

const RECORDS: u64 = 400_000;
const CALLERS: u64 = 32;
const BATCH: u64 = 20;
const ROUNDS: usize = 5;

struct Counter(Arc<AtomicU64>);

impl ClientContext for Counter {}

impl ProducerContext for Counter {
    type DeliveryOpaque = usize;

    fn delivery(&self, delivered: &DeliveryResult<'_>, _: usize) {
        assert!(delivered.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// User and system time of this process so far (proc(5)), in steps of 10 ms.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn per_record(used: Duration) -> f64 {
    used.as_secs_f64() * 1e6 / RECORDS as f64
}

pub(crate) fn run() {
    block_on(async {
        let kafka = Kafka::start();
        for topic in ["bare", "delivery"] {
            kafka.create_topic(topic, &[]).await;
        }
        let records: Vec<Record> = (0..BATCH * CALLERS).map(|n| record(&format!("user-{n}"), n)).collect();
        let opened = ToKafka::open(&kafka.brokers(), "delivery", |_| ());
        wait_until_healthy(&opened).await;
        let mut differences = Vec::new();
        for round in 1..=ROUNDS {
            let bare = bare(&kafka, &records);
            let ours = ours(&opened, &records).await;
            println!(
                "round {round}: bare {bare:.3} us a record, delivery {ours:.3}, its own part {:.3}",
                ours - bare
            );
            differences.push(ours - bare);
        }
        differences.sort_by(f64::total_cmp);
        println!("median of its own part: {:.3} us a record; the goal is 0.3", differences[ROUNDS / 2]);
    });
}

fn bare(kafka: &Kafka, records: &[Record]) -> f64 {
    let count = Arc::new(AtomicU64::new(0));
    let producer: BaseProducer<Counter> = ClientConfig::new()
        .set("bootstrap.servers", kafka.brokers())
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("compression.type", "snappy")
        .set("partitioner", "murmur2_random")
        .create_with_context(Counter(Arc::clone(&count)))
        .unwrap();
    let producer = Arc::new(producer);
    let stop = Arc::new(AtomicBool::new(false));
    let polling = std::thread::spawn({
        let (producer, stop) = (Arc::clone(&producer), Arc::clone(&stop));
        move || {
            while !stop.load(Ordering::Relaxed) {
                producer.poll(Duration::from_millis(50));
            }
        }
    });
    let before = used();
    let mut sent = 0;
    let window = CALLERS * BATCH;
    while sent < RECORDS {
        for record in records {
            let headers = record.headers.iter().fold(OwnedHeaders::new_with_capacity(2), |all, h| {
                all.insert(Header { key: h.name, value: Some(h.value) })
            });
            let to_send = BaseRecord::<[u8], [u8], usize> {
                topic: "bare",
                partition: None,
                payload: Some(&record.payload),
                key: record.key.as_deref(),
                timestamp: None,
                headers: Some(headers),
                delivery_opaque: 0,
            };
            producer.send(to_send).map_err(|(error, _)| error).unwrap();
            sent += 1;
        }
        // As many in flight as the callers of the other side have.
        while count.load(Ordering::Relaxed) + window < sent + 1 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    while count.load(Ordering::Relaxed) < sent {
        std::thread::sleep(Duration::from_micros(200));
    }
    let cost = per_record(used() - before);
    stop.store(true, Ordering::Relaxed);
    polling.join().unwrap();
    cost
}

async fn ours(delivery: &Delivery, records: &[Record]) -> f64 {
    let before = used();
    let begun = Instant::now();
    let callers: Vec<_> = records
        .chunks(BATCH as usize)
        .map(|records| {
            let (delivery, records) = (delivery.clone(), records.to_vec());
            tokio::spawn(async move {
                for _ in 0..RECORDS / CALLERS / BATCH {
                    delivery.append(Batch::new(records.clone())).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let cost = per_record(used() - before);
    println!("    {:.0} records a second", RECORDS as f64 / begun.elapsed().as_secs_f64());
    cost
}
