//! A bare librdkafka producer: the measure that the server's cost per event is held against.
//! It sends the very records that stand in a topic (keys, headers, payloads) and does nothing else.

use crate::Error;
use crate::process_cpu;
use crate::report::{self, BareRound};
use crate::topic::{Deadline, End, Range, TopicReader};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::ops::ControlFlow;
use std::sync::OnceLock;
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

/// How fast to send.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As fast as librdkafka takes it, all records again and again until that time is over: something else is measured
    /// in the same seconds.
    Full(Duration),
    /// Each record once, as many a second, so many at once, with the time noted until all of these are acknowledged: a batch is
    /// answered with its last record.
    Steady {
        /// Records a second.
        per_second: u64,
        /// Records that come at once, as a batch's do.
        burst: usize,
    },
}

/// Counts acknowledgements; nothing is allocated for one at full pace.
#[derive(Default)]
struct Counter {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    /// When each burst's last acknowledgement came, in microseconds since the start, where that is asked for.
    bursts: Vec<AtomicU64>,
    /// What those times count from.
    start: OnceLock<Instant>,
}

impl ClientContext for Counter {}

impl ProducerContext for Counter {
    /// The number of the burst.
    type DeliveryOpaque = usize;

    fn delivery(&self, delivered: &DeliveryResult<'_>, burst: usize) {
        let counter = if delivered.is_ok() { &self.acknowledged } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        if let (Some(last), Some(start)) = (self.bursts.get(burst), self.start.get()) {
            last.fetch_max(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    }
}

/// Sends the records and waits for their acknowledgements; only that is measured.
///
/// The settings are the server's: acks=all, idempotent, a linger of 5 ms, one request under way for each broker, keys
/// spread as Kafka's own clients do.
/// Building each record's header list counts as producing: librdkafka takes a new one with every record.
///
/// # Errors
/// [`Error::Kafka`]; [`Error::Promise`] where a record was not acknowledged within `deadline`.
pub fn send_all(
    brokers: &str,
    topic: &str,
    compression: &str,
    records: &[Record],
    pace: Pace,
    deadline: Duration,
) -> Result<BareRound, Error> {
    let burst_size = match pace {
        Pace::Full(_) => usize::MAX,
        Pace::Steady { burst, .. } => burst,
    };
    let mut bursts = Vec::new();
    if burst_size != usize::MAX {
        bursts.resize_with(records.len().div_ceil(burst_size), AtomicU64::default);
    }
    let mut begun_us = Vec::with_capacity(bursts.len());
    let producer: BaseProducer<Counter> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("client.id", "footfall-bare-producer")
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("max.in.flight.requests.per.connection", "1")
        .set("compression.type", compression)
        .set("partitioner", "murmur2_random")
        .create_with_context(Counter { bursts, ..Counter::default() })
        .map_err(Error::kafka("preparing to produce"))?;
    // The connection and the topic's metadata are there before the clock starts.
    producer
        .client()
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .map_err(Error::kafka(format!("asking {brokers} for the topic {topic}")))?;
    let pid = std::process::id();
    let cpu_before = process_cpu::used_by(pid)?;
    let start = *producer.context().start.get_or_init(Instant::now);
    let mut sent = 0_usize;
    for record in records.iter().cycle() {
        let is_over = match pace {
            // The clock costs, too.
            Pace::Full(time) => sent.is_multiple_of(1000) && start.elapsed() >= time,
            Pace::Steady { .. } => sent == records.len(),
        };
        if is_over {
            break;
        }
        if let Pace::Steady { per_second, burst } = pace
            && sent.is_multiple_of(burst)
        {
            let due = start + Duration::from_secs_f64(sent as f64 / per_second as f64);
            while let Some(wait) = due.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
                producer.poll(wait);
            }
            begun_us.push(start.elapsed().as_micros() as u64);
        }
        send(&producer, topic, record, sent / burst_size, start + deadline)?;
        sent += 1;
    }
    producer
        .flush(deadline.saturating_sub(start.elapsed()))
        .map_err(Error::kafka("waiting for acknowledgements"))?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = process_cpu::used_by(pid)?.saturating_sub(cpu_before);
    let counter = producer.context();
    let acknowledged = counter.acknowledged.load(Ordering::Relaxed);
    if acknowledged != sent as u64 {
        let (all, failed) = (sent, counter.failed.load(Ordering::Relaxed));
        return Err(Error::Promise(format!(
            "{acknowledged} of {all} records were acknowledged, {failed} refused"
        )));
    }
    let bytes: usize = records.iter().map(Record::bytes).sum();
    let lasts = counter.bursts.iter().map(|last| last.load(Ordering::Relaxed));
    let mut latencies: Vec<u32> = lasts
        .zip(begun_us)
        .map(|(last, begun)| u32::try_from(last.saturating_sub(begun)).unwrap_or(u32::MAX))
        .collect();
    latencies.sort_unstable();
    let latency = |share| (!latencies.is_empty()).then(|| report::at_share(&latencies, share));
    Ok(BareRound {
        acknowledged,
        seconds,
        cpu_us: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX),
        bytes_per_record: bytes as u64 / (records.len() as u64).max(1),
        latency_p50_us: latency(0.5),
        latency_p99_us: latency(0.99),
    })
}

fn send(
    producer: &BaseProducer<Counter>,
    topic: &str,
    record: &Record,
    burst: usize,
    until: Instant,
) -> Result<(), Error> {
    loop {
        match producer.send(record.to_send(topic, burst)) {
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
    fn to_send<'a>(&'a self, topic: &'a str, burst: usize) -> BaseRecord<'a, [u8], [u8], usize> {
        let mut headers = OwnedHeaders::new_with_capacity(self.headers.len());
        for (key, value) in &self.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let empty = BaseRecord::with_opaque_to(topic, burst);
        BaseRecord { key: self.key.as_deref(), payload: self.payload.as_deref(), ..empty }.headers(headers)
    }

    fn bytes(&self) -> usize {
        let value = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(key, held)| key.len() + value(held)).sum();
        value(&self.key) + headers + value(&self.payload)
    }
}
