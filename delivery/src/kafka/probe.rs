//! Looks whether the topic can take records, and says in words why not.
//! When it is looked, and what follows, is decided by whoever asks.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataPartition, MetadataTopic};

use super::config::client_config;
use super::context::AskContext;
use super::producer::Producer;
use super::settings::KafkaSettings;
use super::topics;
use super::words::advised;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// What a topic says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The offset that the next record of each partition gets.
    pub(crate) ends: BTreeMap<i32, i64>,
    /// `max.message.bytes`: a produce batch that is larger is refused as a whole.
    pub(crate) max_message_bytes: Option<usize>,
    /// It takes no record without a key.
    pub(crate) is_compacted: bool,
}

/// Asks the brokers about the topics of events.
#[derive(Debug)]
pub(crate) struct Probe {
    settings: KafkaSettings,
}

impl Probe {
    pub(crate) fn new(settings: KafkaSettings) -> Self {
        Self { settings }
    }

    /// Whether all topics of events can take records now; those that are missing are made where the settings allow it.
    /// `last_error` is what librdkafka last said of a connection.
    ///
    /// # Errors
    ///
    /// Why they cannot, in words.
    pub(crate) fn look(&self, producer: &Producer, last_error: Option<String>) -> Result<(), String> {
        let mut missing = Vec::new();
        for name in self.settings.event_topics() {
            let metadata =
                self.metadata(producer, name).map_err(|e| self.unreachable(&e, last_error.clone()))?;
            match named(&metadata, name)? {
                topic if self.settings.topics.create && is_missing(topic) => missing.push(name),
                topic => self.check(topic)?,
            }
        }
        let dead_letters = self.settings.dead_letter_topic();
        if self.settings.topics.create {
            // Without it, the first letter would look like an outage.
            let metadata = self
                .metadata(producer, &dead_letters)
                .map_err(|error| self.unreachable(&error, last_error))?;
            missing.extend(is_missing(named(&metadata, &dead_letters)?).then_some(dead_letters.as_str()));
        }
        if missing.is_empty() {
            return Ok(());
        }
        topics::create(&self.settings, &missing)?;
        missing.into_iter().try_for_each(|name| self.wait_for(producer, name))
    }

    /// A topic that was just made is known to all brokers a moment later.
    fn wait_for(&self, producer: &Producer, name: &str) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let metadata = self.metadata(producer, name).map_err(|error| self.unreachable(&error, None))?;
            match self.check(named(&metadata, name)?) {
                Err(_) if begun.elapsed() < ANSWER_TIMEOUT => thread::sleep(Duration::from_millis(100)),
                checked => return checked,
            }
        }
    }

    fn metadata(&self, producer: &Producer, topic: &str) -> Result<Metadata, KafkaError> {
        producer.client().fetch_metadata(Some(topic), ANSWER_TIMEOUT)
    }

    fn check(&self, topic: &MetadataTopic) -> Result<(), String> {
        check_topic(topic)?;
        let name = topic.name();
        let partitions: Vec<_> = topic.partitions().iter().map(InSync::of).collect();
        // The brokers are asked for the minimum only where it can matter: while a replica is behind.
        if partitions.iter().all(|partition| partition.in_sync >= partition.replicas) {
            return Ok(());
        }
        let settings = self
            .topic_settings(name)
            .inspect_err(|reason| tracing::debug!("min.insync.replicas of `{name}` is not known: {reason}"))
            .unwrap_or_default();
        let min_in_sync =
            settings.get("min.insync.replicas").and_then(|value| value.parse().ok()).unwrap_or(1);
        check_in_sync(name, &partitions, min_in_sync)
    }

    /// What must be known before the first record is handed over: where each partition ends, and what the topic takes.
    ///
    /// # Errors
    ///
    /// What was not answered, in words.
    pub(crate) fn find(&self, producer: &Producer, topic: &str) -> Result<Found, String> {
        let client = producer.client();
        let ask = |error: KafkaError| format!("the topic `{topic}` says nothing of its end: {error}");
        let metadata = client.fetch_metadata(Some(topic), ANSWER_TIMEOUT).map_err(ask)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        let mut ends = BTreeMap::new();
        for partition in found.map(MetadataTopic::partitions).unwrap_or_default() {
            let (_, end) = client.fetch_watermarks(topic, partition.id(), ANSWER_TIMEOUT).map_err(ask)?;
            ends.insert(partition.id(), end);
        }
        let settings = self
            .topic_settings(topic)
            .inspect_err(|reason| tracing::debug!("the settings of `{topic}` are not known: {reason}"))
            .unwrap_or_default();
        let max_message_bytes = settings.get("max.message.bytes").and_then(|value| value.parse().ok());
        let is_compacted = settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
        Ok(Found { ends, max_message_bytes, is_compacted })
    }

    fn unreachable(&self, error: &KafkaError, last_error: Option<String>) -> String {
        let brokers = self.settings.brokers.join(", ");
        let cause = last_error.unwrap_or_else(|| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::OperationTimedOut) => format!("silence for {ANSWER_TIMEOUT:?}"),
            Some(code) => code.to_string(),
            None => error.to_string(),
        });
        format!("no Kafka broker answers at {brokers}: {}", advised(&cause))
    }

    /// The topic's configuration. Asked with a client of its own: the producer's has no way to, and the question is rare.
    fn topic_settings(&self, topic: &str) -> Result<BTreeMap<String, String>, String> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
        let admin = AdminClient::from_config_and_context(&client_config(&self.settings), AskContext)
            .map_err(|error| error.to_string())?;
        let topic = ResourceSpecifier::Topic(topic);
        let options = AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT));
        let described = runtime.block_on(admin.describe_configs([&topic], &options));
        let topics = described.map_err(|error| error.to_string())?;
        let topic =
            topics.into_iter().next().ok_or("no answer for the topic")?.map_err(|code| code.to_string())?;
        Ok(topic.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }
}

fn named<'a>(metadata: &'a Metadata, name: &str) -> Result<&'a MetadataTopic, String> {
    let found = metadata.topics().iter().find(|topic| topic.name() == name);
    found.ok_or_else(|| format!("the brokers say nothing of the topic `{name}`"))
}

fn is_missing(topic: &MetadataTopic) -> bool {
    topic
        .error()
        .is_some_and(|error| RDKafkaErrorCode::from(error) == RDKafkaErrorCode::UnknownTopicOrPartition)
}

fn check_topic(topic: &MetadataTopic) -> Result<(), String> {
    let name = topic.name();
    if let Some(error) = topic.error() {
        return Err(match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::UnknownTopicOrPartition => {
                format!(
                    "the topic `{name}` does not exist, and the brokers do not create it: make it, or set \
                     kafka.create_topics = \"on\""
                )
            }
            RDKafkaErrorCode::TopicAuthorizationFailed => {
                format!("not authorised to write to the topic `{name}`")
            }
            other => format!("the topic `{name}` cannot be used: {other}"),
        });
    }
    let leaderless: Vec<String> =
        topic.partitions().iter().filter(|p| p.leader() < 0).map(|p| p.id().to_string()).collect();
    if !leaderless.is_empty() || topic.partitions().is_empty() {
        return Err(format!("the topic `{name}` has no leader for partition {}", leaderless.join(", ")));
    }
    Ok(())
}

/// How many copies of a partition are up to date.
struct InSync {
    partition: i32,
    in_sync: usize,
    replicas: usize,
}

impl InSync {
    fn of(partition: &MetadataPartition) -> Self {
        let (in_sync, replicas) = (partition.isr().len(), partition.replicas().len());
        Self { partition: partition.id(), in_sync, replicas }
    }
}

/// Kafka's own rule: a topic with fewer replicas than the minimum is held to all that it has.
fn check_in_sync(topic: &str, partitions: &[InSync], min_in_sync: usize) -> Result<(), String> {
    match partitions.iter().find(|partition| partition.in_sync < min_in_sync.min(partition.replicas)) {
        None => Ok(()),
        Some(InSync { partition, in_sync, replicas }) => Err(format!(
            "not enough in-sync replicas: partition {partition} of the topic `{topic}` has {in_sync} of \
             {replicas}, min.insync.replicas asks for {min_in_sync}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_in_sync_replicas_are_told_by_kafkas_own_rule() {
        let check = |in_sync, replicas, minimum| {
            let whole = InSync { partition: 0, in_sync: 3, replicas: 3 };
            check_in_sync("events", &[whole, InSync { partition: 1, in_sync, replicas }], minimum)
        };
        assert_eq!(check(2, 3, 2), Ok(()));
        assert_eq!(check(1, 1, 2), Ok(()), "Kafka takes records with all replicas there are");
        let words = check(1, 3, 2).unwrap_err();
        assert!(words.contains("partition 1") && words.contains("min.insync.replicas asks for 2"), "{words}");
    }
}
