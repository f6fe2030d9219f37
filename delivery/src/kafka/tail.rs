//! Reads what a topic holds behind given offsets up to where it ends now: what was stored before a crash, and by whom.
//! Records are shown by their `ce_id`; what a known id means is decided by whoever reads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::config::client_config;
use super::context::AskContext;
use super::ends::first_and_end;
use super::settings::KafkaSettings;

/// How long the brokers may take for one answer, or for the next record.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The end of a topic.
pub(crate) struct Tail {
    consumer: BaseConsumer<AskContext>,
    topic: String,
    /// The partitions that are not read to their end, with that end.
    ends: BTreeMap<i32, i64>,
}

impl Tail {
    /// Opens the topic behind `offsets`; a partition that is not among them is read from its beginning. So is one
    /// whose offsets have started over: the topic was made anew.
    ///
    /// # Errors
    ///
    /// What the brokers did not answer, in words.
    pub(crate) fn open(
        settings: &KafkaSettings,
        topic: &str,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<Self, String> {
        let failed = |error: KafkaError| format!("the topic `{topic}` cannot be read: {error}");
        let mut config = client_config(settings);
        config
            .set("allow.auto.create.topics", "false")
            .set("group.id", "footfall-recovery")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "false")
            // What an aborted transaction of others left is not ours.
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<AskContext> = config.create_with_context(AskContext).map_err(failed)?;
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT).map_err(failed)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        let partitions = found.map(|found| found.partitions()).unwrap_or_default();
        let (mut ends, mut places) = (BTreeMap::new(), TopicPartitionList::new());
        for partition in partitions.iter().map(|partition| partition.id()) {
            let (first, end) =
                first_and_end(consumer.client(), topic, partition, ANSWER_TIMEOUT).map_err(failed)?;
            let behind = offsets.get(&partition).map_or(first, |offset| offset + 1);
            let from = if behind > end { first } else { behind.max(first) };
            if from < end {
                ends.insert(partition, end);
                places.add_partition_offset(topic, partition, Offset::Offset(from)).map_err(failed)?;
            }
        }
        consumer.assign(&places).map_err(failed)?;
        Ok(Self { consumer, topic: topic.to_owned(), ends })
    }

    /// Shows the `ce_id` of each record to `visit`. Gives how many records there were.
    ///
    /// # Errors
    ///
    /// What the brokers did not answer, in words.
    pub(crate) fn read(&mut self, mut visit: impl FnMut(&[u8])) -> Result<u64, String> {
        let (mut records, mut heard) = (0, Instant::now());
        while !self.ends.is_empty() {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    let partition = message.partition();
                    let Some(end) = self.ends.get(&partition).copied() else { continue };
                    if message.offset() < end {
                        records += 1;
                        let ids = message.headers().into_iter().flat_map(|headers| headers.iter());
                        ids.filter(|h| h.key == "ce_id").filter_map(|h| h.value).for_each(&mut visit);
                    }
                    if message.offset() + 1 >= end {
                        self.ends.remove(&partition);
                    }
                }
                Some(Err(error)) => {
                    return Err(format!("the topic `{}` cannot be read: {error}", self.topic));
                }
                None => self.pass_what_has_no_record(),
            }
            if heard.elapsed() > ANSWER_TIMEOUT {
                return Err(format!("the topic `{}` gave no record for {ANSWER_TIMEOUT:?}", self.topic));
            }
        }
        Ok(records)
    }

    /// The offsets of compacted or aborted records are passed over without a record.
    fn pass_what_has_no_record(&mut self) {
        let Ok(positions) = self.consumer.position() else { return };
        self.ends.retain(|partition, end| {
            let place = positions.find_partition(&self.topic, *partition).map(|place| place.offset());
            !matches!(place, Some(Offset::Offset(offset)) if offset >= *end)
        });
    }
}
