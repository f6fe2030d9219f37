//! Who leads the partitions of a topic, and moving that to other brokers with Kafka's own tool.

use std::io::Write as _;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::Metadata;

use super::{Kafka, script};

impl Kafka {
    /// The broker that leads each partition, by its node id.
    pub(crate) fn leaders(&self, topic: &str) -> Vec<i32> {
        let metadata = self.metadata(topic);
        metadata.topics()[0].partitions().iter().map(|partition| partition.leader()).collect()
    }

    /// Has each partition of the topic led by another broker and kept by two of `nodes`: its leader of now hands it over and
    /// keeps no copy. That is over when `leaders` tells other ones.
    pub(crate) fn move_leaders(&self, topic: &str, nodes: &[i32]) {
        let metadata = self.metadata(topic);
        let moves = metadata.topics()[0].partitions().iter().map(|partition| {
            let leads = nodes.iter().position(|node| *node == partition.leader()).unwrap();
            let [first, second] = [1, 2].map(|next| nodes[(leads + next) % nodes.len()]);
            let id = partition.id();
            format!(r#"{{"topic":"{topic}","partition":{id},"replicas":[{first},{second}]}}"#)
        });
        let moves = format!(r#"{{"version":1,"partitions":[{}]}}"#, moves.collect::<Vec<_>>().join(","));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(moves.as_bytes()).unwrap();
        let mut tool = script();
        tool.args(["reassign", "--bootstrap-server", &self.brokers(), "--execute"]);
        let said = tool.arg("--reassignment-json-file").arg(file.path()).output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    fn metadata(&self, topic: &str) -> Metadata {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        consumer.fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap()
    }
}
