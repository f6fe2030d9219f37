//! Reading a topic of a real Kafka from one offset to another, without a consumer group's memory.
//! What is done with a record is left to the caller, who sees it where librdkafka holds it.

use crate::Error;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How long one question to the broker may take.
const ASK: Duration = Duration::from_secs(10);
/// How long one wait for a record lasts before the deadline is looked at again.
const STEP: Duration = Duration::from_millis(100);

/// The records of one partition from `from` up to, but not with, `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub from: i64,
    /// The offset behind the last one.
    pub to: i64,
}

/// Where a reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the `to` of each range.
    OfRanges,
    /// Where the visitor says so.
    ByVisitor,
}

/// Reads one topic.
pub struct TopicReader {
    consumer: BaseConsumer<Quiet>,
    brokers: String,
    topic: String,
}

/// A context whose errors are those that the calls return: a reader waits for brokers that are starting, and
/// librdkafka's remark for each try would hide what a test prints.
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ConsumerContext for Quiet {}

impl TopicReader {
    /// Prepares to read `topic`; the brokers are asked by the first question.
    ///
    /// # Errors
    /// [`Error::Kafka`] where librdkafka refuses the settings.
    pub fn new(brokers: &str, topic: &str) -> Result<Self, Error> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "footfall-topic-reader")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("client.id", "footfall-topic-reader")
            .create_with_context(Quiet)
            .map_err(Error::kafka("preparing to read"))?;
        Ok(Self { consumer, brokers: brokers.to_owned(), topic: topic.to_owned() })
    }

    /// All that stands in the topic now, a range for each partition.
    ///
    /// # Errors
    /// [`Error::NoSuchTopic`]; [`Error::Kafka`] where no broker answers within 10 s.
    pub fn ranges(&self) -> Result<Vec<Range>, Error> {
        let topic = self.topic.as_str();
        let metadata = self
            .consumer
            .fetch_metadata(Some(topic), ASK)
            .map_err(Error::kafka(format!("asking {} for the topic {topic}", self.brokers)))?;
        let partitions: Vec<i32> = metadata
            .topics()
            .iter()
            .filter(|found| found.name() == topic && found.error().is_none())
            .flat_map(|found| found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id))
            .collect();
        if partitions.is_empty() {
            return Err(Error::NoSuchTopic { topic: topic.to_owned(), brokers: self.brokers.clone() });
        }
        partitions
            .into_iter()
            .map(|partition| {
                let (from, to) = self
                    .consumer
                    .fetch_watermarks(topic, partition, ASK)
                    .map_err(Error::kafka(format!("asking for the end of {topic}/{partition}")))?;
                Ok(Range { partition, from, to })
            })
            .collect()
    }

    /// Waits until the topic is there; then as [`TopicReader::ranges`].
    ///
    /// # Errors
    /// As [`TopicReader::ranges`], once `deadline` is over.
    pub fn ranges_when_there(&self, deadline: Option<Instant>) -> Result<Vec<Range>, Error> {
        loop {
            match self.ranges() {
                Err(Error::NoSuchTopic { .. } | Error::Kafka { .. })
                    if deadline.is_none_or(|deadline| Instant::now() < deadline) =>
                {
                    // Kafka has no way to be told of a new topic; a record's step is a fair pace to ask again.
                    std::thread::sleep(STEP);
                }
                outcome => return outcome,
            }
        }
    }

    /// Shows each record of the ranges to `visit`, in order within a partition, and returns how many there were.
    ///
    /// # Errors
    /// [`Error::Kafka`]; [`Error::Deadline`] when `deadline` (and the seconds it stands for) is over first, told
    /// with `expected` where the end is the visitor's; and whatever `visit` returns.
    pub fn read(
        &self,
        ranges: &[Range],
        end: End,
        deadline: Option<Deadline>,
        mut visit: impl FnMut(&BorrowedMessage<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<u64, Error> {
        let mut assignment = TopicPartitionList::new();
        let mut open: HashMap<i32, i64> = HashMap::new();
        for range in ranges.iter().filter(|range| end == End::ByVisitor || range.from < range.to) {
            assignment
                .add_partition_offset(&self.topic, range.partition, Offset::Offset(range.from))
                .map_err(Error::kafka("choosing offsets"))?;
            open.insert(range.partition, range.to);
        }
        let in_ranges: i64 = ranges.iter().map(|range| (range.to - range.from).max(0)).sum();
        self.consumer.assign(&assignment).map_err(Error::kafka("choosing partitions"))?;
        let mut found = 0u64;
        while !open.is_empty() {
            if let Some(deadline) = deadline
                && Instant::now() >= deadline.at
            {
                let expected = deadline.expected.unwrap_or(u64::try_from(in_ranges).unwrap_or(0));
                return Err(Error::Deadline { found, expected, seconds: deadline.seconds });
            }
            let Some(polled) = self.consumer.poll(STEP) else {
                if end == End::OfRanges {
                    self.pass_what_has_no_record(&mut open);
                }
                continue;
            };
            let message = match polled {
                Ok(message) => message,
                // A broker that is starting or restarting is waited for; the deadline bounds it.
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(Error::kafka(format!("reading {}", self.topic))(error)),
            };
            let partition = message.partition();
            if end == End::OfRanges && open.get(&partition).is_none_or(|to| message.offset() >= *to) {
                continue;
            }
            found += 1;
            let flow = visit(&message)?;
            if end == End::OfRanges && open.get(&partition).is_some_and(|to| message.offset() + 1 >= *to) {
                open.remove(&partition);
            }
            if flow.is_break() {
                break;
            }
        }
        self.consumer.unassign().map_err(Error::kafka("letting go of partitions"))?;
        Ok(found)
    }
}

impl TopicReader {
    /// What ends a transaction, and what was aborted, has offsets and no record.
    fn pass_what_has_no_record(&self, open: &mut HashMap<i32, i64>) {
        let Ok(positions) = self.consumer.position() else { return };
        open.retain(|partition, to| {
            let place = positions.find_partition(&self.topic, *partition).map(|place| place.offset());
            !matches!(place, Some(Offset::Offset(offset)) if offset >= *to)
        });
    }
}

/// Until when to wait, and what to say when it is over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// The moment.
    pub at: Instant,
    /// The time that was given, for the message.
    pub seconds: u64,
    /// How many records were waited for, where the ranges do not tell.
    pub expected: Option<u64>,
}

impl Deadline {
    /// So many seconds from now.
    pub fn in_seconds(seconds: u64, expected: Option<u64>) -> Self {
        Self { at: Instant::now() + Duration::from_secs(seconds), seconds, expected }
    }
}

fn is_passing(error: &rdkafka::error::KafkaError) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve)
    )
}
