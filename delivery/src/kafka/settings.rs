//! The Kafka settings in the field's own terms, and their defaults.
//! Whether they make sense together is looked at in `check`; how they become librdkafka's properties stands in `config`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::compression::Compression;
use super::config::DEFAULT_BATCH_BYTES;
use super::guarantee::Guarantee;
use super::partitioning::{HotKeys, Partitioner};
use super::security::{KafkaSasl, KafkaTls};
use super::topics::TopicSettings;

/// Where and how records are produced.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// The first brokers to ask, `host:port` each; the others are learnt from them.
    pub brokers: Vec<String>,
    /// The topic of events. Default `footfall.events`.
    pub topic: String,
    /// The topic of dead letters; `None` is the topic of events with `.dead-letter` behind it.
    pub dead_letter_topic: Option<String>,
    /// What is promised of a record that was answered. Default at-least-once.
    pub guarantee: Guarantee,
    /// The codec of record batches. Default snappy.
    pub compression: Compression,
    /// How long a record waits for company before it, or its transaction, is sent. Default 5 ms.
    pub linger: Duration,
    /// How long a broker may take to answer; then the same request is sent again. Default 10 s.
    pub request_timeout: Duration,
    /// How long a record waits for its acknowledgement before the journal takes over. Default 2 s.
    pub slow_after: Duration,
    /// The most records a second that are handed over from the journal once Kafka is back. Default: no limit.
    pub drain_max_rate: Option<NonZeroU32>,
    /// The most bytes of one produce batch before compression; a larger record is alone in its batch. Default 1 MB.
    pub batch_bytes: usize,
    /// How the partition of a record is chosen. Default by the hash of its key.
    pub partitioner: Partitioner,
    /// Keys that are spread over several partitions, if any are; only with the hash.
    pub hot_keys: Option<HotKeys>,
    /// Further topics of events, which records name themselves.
    pub routed_topics: BTreeSet<String>,
    /// How missing topics are made, if they are.
    pub topics: TopicSettings,
    /// TLS towards the brokers, if it is spoken.
    pub tls: Option<KafkaTls>,
    /// How we sign in to the brokers, if they ask for it.
    pub sasl: Option<KafkaSasl>,
    /// Any further librdkafka property, by its own name; they win over this crate's defaults. A property that
    /// has a setting of its own here, or that the guarantee rests on (`acks`, `enable.idempotence`), is refused.
    pub properties: BTreeMap<String, String>,
    /// The files of those properties that came from one; each is read again for every client that is made.
    pub property_files: BTreeMap<String, PathBuf>,
}

impl KafkaSettings {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            brokers: brokers.into_iter().map(Into::into).collect(),
            topic: "footfall.events".to_owned(),
            dead_letter_topic: None,
            guarantee: Guarantee::default(),
            compression: Compression::default(),
            linger: Duration::from_millis(5),
            request_timeout: Duration::from_secs(10),
            slow_after: Duration::from_secs(2),
            drain_max_rate: None,
            batch_bytes: DEFAULT_BATCH_BYTES,
            partitioner: Partitioner::default(),
            hot_keys: None,
            routed_topics: BTreeSet::new(),
            topics: TopicSettings::default(),
            tls: None,
            sasl: None,
            properties: BTreeMap::new(),
            property_files: BTreeMap::new(),
        }
    }

    /// The topic of dead letters.
    pub fn dead_letter_topic(&self) -> String {
        self.dead_letter_topic.clone().unwrap_or_else(|| format!("{}.dead-letter", self.topic))
    }
}

/// Values of `properties` may be secrets, so only their names are shown.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("dead_letter_topic", &self.dead_letter_topic)
            .field("guarantee", &self.guarantee)
            .field("compression", &self.compression)
            .field("linger", &self.linger)
            .field("request_timeout", &self.request_timeout)
            .field("slow_after", &self.slow_after)
            .field("drain_max_rate", &self.drain_max_rate)
            .field("batch_bytes", &self.batch_bytes)
            .field("partitioner", &self.partitioner)
            .field("hot_keys", &self.hot_keys)
            .field("routed_topics", &self.routed_topics)
            .field("topics", &self.topics)
            .field("tls", &self.tls)
            .field("sasl", &self.sasl)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        settings.properties.insert("sasl.password".into(), "hunter2".into());
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
