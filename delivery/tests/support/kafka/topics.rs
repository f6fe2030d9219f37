//! Topics of a Kafka under test: made, changed, deleted and looked at.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use footfall_delivery::Position;

use super::Kafka;

impl Kafka {
    pub(crate) async fn create_topic(&self, topic: &str, configs: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let replicas = if self.arguments.iter().any(|argument| argument == "--voters") { 3 } else { 1 };
        let mut new = NewTopic::new(topic, 3, TopicReplication::Fixed(replicas));
        for (name, value) in configs {
            new = new.set(name, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        for result in admin.create_topics([&new], &options).await.unwrap() {
            result.unwrap();
        }
    }

    pub(crate) async fn alter_topic(&self, topic: &str, name: &str, value: &str) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let alter = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        for result in admin.alter_configs([&alter], &AdminOptions::new()).await.unwrap() {
            result.unwrap();
        }
    }

    pub(crate) async fn delete_topic(&self, topic: &str) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        for result in admin.delete_topics(&[topic], &options).await.unwrap() {
            result.unwrap();
        }
    }

    /// A value of the topic's configuration.
    pub(crate) async fn topic_config(&self, topic: &str, name: &str) -> String {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let described =
            admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await;
        let config = described.unwrap().remove(0).unwrap();
        config.get(name).unwrap().value.clone().unwrap()
    }

    /// Where each partition ends.
    pub(crate) fn ends(&self, topic: &str) -> Vec<Position> {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let timeout = Duration::from_secs(30);
        let metadata = consumer.fetch_metadata(Some(topic), timeout).unwrap();
        let partitions = metadata.topics()[0].partitions().iter().map(|partition| partition.id());
        let end = |partition| Position { partition, offset: end_of(&consumer, topic, partition) };
        partitions.map(end).collect()
    }

    /// How many records the topic holds.
    pub(crate) fn count(&self, topic: &str) -> i64 {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let timeout = Duration::from_secs(30);
        let metadata = consumer.fetch_metadata(Some(topic), timeout).unwrap();
        let partitions = metadata.topics()[0].partitions().iter();
        partitions.map(|partition| end_of(&consumer, topic, partition.id())).sum()
    }
}

/// The offset behind a partition's last record. A broker that has just started may not lead it yet, or not know its end.
fn end_of(consumer: &BaseConsumer, topic: &str, partition: i32) -> i64 {
    let (timeout, begun) = (Duration::from_secs(30), Instant::now());
    loop {
        let error = match consumer.fetch_watermarks(topic, partition, timeout) {
            Ok((_, end)) => return end,
            Err(error) => error,
        };
        let is_not_yet = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::OffsetNotAvailable)
        );
        assert!(is_not_yet && begun.elapsed() < timeout, "{topic} {partition}: {error}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
