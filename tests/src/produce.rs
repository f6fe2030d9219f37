//! A bare librdkafka producer: the measure that the server's cost per event is held against.
//! It sends the very records that stand in a topic (keys, headers, payloads) and does nothing else.

use crate::Error;
use crate::process_cpu;
use crate::report::BareRound;
use crate::topic::{Deadline, End, Range, TopicReader};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A record in memory, as it stood in the topic.
pub struct Record {
    key: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    payload: Option<Vec<u8>>,
}

/// Reads at most `max` records of the ranges into memory.
///
/// # Errors
/// As [`TopicReader::read`].
pub fn preload(
    reader: &TopicReader,
    ranges: &[Range],
    max: usize,
    deadline: Deadline,
) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    reader.read(ranges, End::OfRanges, Some(deadline), |message| {
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        records.push(Record {
            key: message.key().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
            payload: message.payload().map(<[u8]>::to_vec),
        });
        Ok(if records.len() < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(records)
}

/// Counts acknowledgements; nothing is allocated for one.
#[derive(Default)]
struct Counter {
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Counter {}

impl ProducerContext for Counter {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        let counter = if delivered.is_ok() { &self.acknowledged } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends all records and waits for their acknowledgements; only that is measured.
///
/// The settings are the server's: acks=all, idempotent, a linger of 5 ms, keys spread as Kafka's own clients do.
/// Building each record's header list counts as producing: librdkafka takes a new one with every record.
///
/// # Errors
/// [`Error::Kafka`]; [`Error::Promise`] where a record was not acknowledged within `deadline`.
pub fn send_all(
    brokers: &str,
    topic: &str,
    compression: &str,
    records: &[Record],
    deadline: Duration,
) -> Result<BareRound, Error> {
    let producer: BaseProducer<Counter> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("client.id", "footfall-bare-producer")
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("compression.type", compression)
        .set("partitioner", "murmur2_random")
        .create_with_context(Counter::default())
        .map_err(Error::kafka("preparing to produce"))?;
    // The connection and the topic's metadata are there before the clock starts.
    producer
        .client()
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .map_err(Error::kafka(format!("asking {brokers} for the topic {topic}")))?;
    let pid = std::process::id();
    let cpu_before = process_cpu::used_by(pid)?;
    let start = Instant::now();
    for record in records {
        send(&producer, topic, record, start + deadline)?;
    }
    producer
        .flush(deadline.saturating_sub(start.elapsed()))
        .map_err(Error::kafka("waiting for acknowledgements"))?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = process_cpu::used_by(pid)?.saturating_sub(cpu_before);
    let counter = producer.context();
    let acknowledged = counter.acknowledged.load(Ordering::Relaxed);
    if acknowledged != records.len() as u64 {
        let (all, failed) = (records.len(), counter.failed.load(Ordering::Relaxed));
        return Err(Error::Promise(format!(
            "{acknowledged} of {all} records were acknowledged, {failed} refused"
        )));
    }
    let bytes: usize = records.iter().map(Record::bytes).sum();
    Ok(BareRound {
        acknowledged,
        seconds,
        cpu_us: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX),
        bytes_per_record: bytes as u64 / acknowledged.max(1),
    })
}

fn send(producer: &BaseProducer<Counter>, topic: &str, record: &Record, until: Instant) -> Result<(), Error> {
    loop {
        match producer.send(record.to_send(topic)) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _))
                if Instant::now() < until =>
            {
                producer.poll(Duration::from_millis(100));
            }
            Err((error, _)) => return Err(Error::kafka(format!("producing to {topic}"))(error)),
        }
    }
}

impl Record {
    fn to_send<'a>(&'a self, topic: &'a str) -> BaseRecord<'a, [u8], [u8]> {
        let mut headers = OwnedHeaders::new_with_capacity(self.headers.len());
        for (key, value) in &self.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        BaseRecord { key: self.key.as_deref(), payload: self.payload.as_deref(), ..BaseRecord::to(topic) }
            .headers(headers)
    }

    fn bytes(&self) -> usize {
        let value = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(key, held)| key.len() + value(held)).sum();
        value(&self.key) + headers + value(&self.payload)
    }
}
