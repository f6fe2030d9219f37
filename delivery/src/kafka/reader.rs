//! Reads a topic from its beginning to where it ends now, partition by partition, for a person who looks into it.
//! It joins no consumer group and commits nothing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::config::client_config;
use super::ends::first_and_end;
use super::settings::KafkaSettings;
use crate::headers::Header;
use crate::receipt::Position;

/// How long the brokers may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a topic could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// The topic is not there.
    #[error("the topic `{topic}` does not exist: nothing was sent to it yet, or its name is another one")]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// Kafka said no, or nothing.
    #[error("cannot read the topic `{topic}`: {reason}")]
    Kafka {
        /// The topic.
        topic: String,
        /// The cause in librdkafka's words.
        reason: String,
    },
}

/// One record as read back from a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// Where it stands.
    pub position: Position,
    /// The record's key.
    pub key: Option<Bytes>,
    /// The record's headers, in order.
    pub headers: Vec<Header>,
    /// The record's value.
    pub payload: Bytes,
}

/// Reads a topic once, from its beginning to where it ended when it was opened.
pub struct TopicReader {
    consumer: BaseConsumer,
    topic: String,
    /// The partitions that are left, with the offset at which each ends; the last is being read.
    left: Vec<(i32, i64)>,
    next: i64,
}

impl TopicReader {
    /// Opens a topic of these brokers. Blocks until they answer, at most 10 s for each partition.
    ///
    /// # Errors
    ///
    /// [`TopicError`] if there is no such topic, or no answer.
    pub fn open(settings: &KafkaSettings, topic: &str) -> Result<Self, TopicError> {
        let failed = |error: KafkaError| failed(topic, &error);
        let mut config = client_config(settings);
        // A reader that asks must not make the topic that it asks for.
        config
            .set("allow.auto.create.topics", "false")
            .set("group.id", "footfall-reader")
            .set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().map_err(failed)?;
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT).map_err(failed)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        let partitions = found.map(|found| found.partitions()).unwrap_or_default();
        if partitions.is_empty() {
            return Err(TopicError::NoTopic { topic: topic.to_owned() });
        }
        let mut left = Vec::new();
        for partition in partitions.iter().map(|partition| partition.id()) {
            let (first, end) =
                first_and_end(consumer.client(), topic, partition, ANSWER_TIMEOUT).map_err(failed)?;
            if first < end {
                left.push((partition, end));
            }
        }
        let mut reader = Self { consumer, topic: topic.to_owned(), left, next: 0 };
        reader.assign()?;
        Ok(reader)
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`TopicError::Kafka`] if the brokers say no, or nothing for 10 s.
    pub fn next_record(&mut self) -> Result<Option<TopicRecord>, TopicError> {
        let started = Instant::now();
        while let Some(&(partition, end)) = self.left.last() {
            // The offsets of compacted or aborted records are passed over without a record.
            if self.next >= end || self.position(partition) >= end {
                self.left.pop();
                self.assign()?;
                continue;
            }
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) if message.partition() == partition => {
                    let position = Position { partition, offset: message.offset() };
                    self.next = message.offset() + 1;
                    if message.offset() >= end {
                        continue;
                    }
                    let headers =
                        message.headers().map(|all| all.iter().map(owned).collect()).unwrap_or_default();
                    let payload = Bytes::copy_from_slice(message.payload().unwrap_or_default());
                    let key = message.key().map(Bytes::copy_from_slice);
                    return Ok(Some(TopicRecord { position, key, headers, payload }));
                }
                Some(Err(error)) => return Err(failed(&self.topic, &error)),
                _ if started.elapsed() > ANSWER_TIMEOUT => {
                    let reason = format!("no record and no word for {ANSWER_TIMEOUT:?}");
                    return Err(TopicError::Kafka { topic: self.topic.clone(), reason });
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn position(&self, partition: i32) -> i64 {
        let list = self.consumer.position().ok();
        let place = list.as_ref().and_then(|list| list.find_partition(&self.topic, partition));
        match place.map(|place| place.offset()) {
            Some(Offset::Offset(offset)) => offset,
            _ => 0,
        }
    }

    fn assign(&mut self) -> Result<(), TopicError> {
        self.next = 0;
        let Some(&(partition, _)) = self.left.last() else { return Ok(()) };
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(&self.topic, partition, Offset::Beginning)
            .and_then(|()| self.consumer.assign(&place))
            .map_err(|error| failed(&self.topic, &error))
    }
}

fn failed(topic: &str, error: &KafkaError) -> TopicError {
    TopicError::Kafka { topic: topic.to_owned(), reason: error.to_string() }
}

fn owned(header: rdkafka::message::Header<'_, &[u8]>) -> Header {
    let value = Bytes::copy_from_slice(header.value.unwrap_or_default());
    Header { name: header.key.to_owned().into(), value }
}
