//! What one topic says of itself: whether it is there, who leads it, how it is replicated, what it takes and keeps.
//! Who may write to it is looked at elsewhere, and what its configuration comes to is `described`'s to say.

use std::collections::BTreeSet;

use rdkafka::admin::{ConfigResource, ResourceSpecifier};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::MetadataTopic;

use super::Finding;
use super::cluster::Cluster;
use super::described::Described;

pub(super) fn look(cluster: &Cluster<'_>, name: &str, record_max_bytes: usize, out: &mut Vec<Finding>) {
    let metadata = match cluster.metadata(name) {
        Ok(metadata) => metadata,
        Err(error) => {
            out.push(Finding::wrong(format!("the brokers say nothing of the topic `{name}`: {error}")));
            return;
        }
    };
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        out.push(Finding::wrong(format!("the brokers say nothing of the topic `{name}`")));
        return;
    };
    if let Some(error) = topic.error() {
        out.push(match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::UnknownTopicOrPartition => missing(cluster, name, &metadata),
            RDKafkaErrorCode::TopicAuthorizationFailed => Finding::wrong(format!(
                "not authorised to see the topic `{name}`: it needs the rights Describe and Write"
            )),
            other => Finding::wrong(format!("the topic `{name}` cannot be used: {other}")),
        });
        return;
    }
    leaders(cluster, topic, out);
    let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    let words =
        format!("the topic `{name}`: {} partitions, {replicas} replicas each", topic.partitions().len());
    match cluster.configuration(ResourceSpecifier::Topic(name)) {
        Ok(config) => {
            let described = Described {
                name,
                replicas,
                brokers: cluster.brokers(),
                min_in_sync: number(&config, "min.insync.replicas").unwrap_or(1),
                max_bytes: number(&config, "max.message.bytes"),
                cleanup_policy: config.get("cleanup.policy").and_then(|entry| entry.value.as_deref()),
            };
            let takes = described.max_bytes.map(|bytes| format!(", batches of at most {bytes} bytes"));
            let takes = takes.unwrap_or_default();
            let min_in_sync = described.min_in_sync;
            out.push(Finding::right(format!("{words}, min.insync.replicas {min_in_sync}{takes}")));
            out.extend(described.judged(&cluster.settings.guarantee, record_max_bytes));
        }
        Err(reason) => out.push(Finding::doubtful(format!(
            "{words}; the rest is not known ({reason}): it needs the right DescribeConfigs"
        ))),
    }
}

/// A topic that is not there: it may come to be by itself.
fn missing(cluster: &Cluster<'_>, name: &str, metadata: &rdkafka::metadata::Metadata) -> Finding {
    let topics = &cluster.settings.topics;
    if topics.create {
        if let Some(replicas) = topics.replication_factor.filter(|r| usize::from(r.get()) > cluster.brokers())
        {
            return Finding::wrong(format!(
                "the topic `{name}` does not exist and cannot be made: kafka.topics.replication_factor is {replicas}, and there \
                 are {} brokers",
                cluster.brokers()
            ));
        }
        return Finding::right(format!(
            "the topic `{name}` does not exist yet: the server makes it when it starts"
        ));
    }
    let broker = metadata.brokers().first().map(|broker| ResourceSpecifier::Broker(broker.id()));
    let config = broker.and_then(|broker| cluster.configuration(broker).ok());
    let makes = config.as_ref().and_then(|config| config.get("auto.create.topics.enable")?.value.as_deref());
    if makes == Some("true") {
        return Finding::doubtful(format!(
            "the topic `{name}` does not exist: the brokers will make it with their own defaults \
             (auto.create.topics.enable); make it, or set kafka.create_topics = \"on\""
        ));
    }
    Finding::wrong(format!("the topic `{name}` does not exist: make it, or set kafka.create_topics = \"on\""))
}

/// Each broker that leads a partition is asked, so that one whose advertised address leads nowhere is found.
fn leaders(cluster: &Cluster<'_>, topic: &MetadataTopic, out: &mut Vec<Finding>) {
    let name = topic.name();
    let mut asked = BTreeSet::new();
    for partition in topic.partitions() {
        let (id, leader) = (partition.id(), partition.leader());
        if leader < 0 {
            out.push(Finding::wrong(format!("partition {id} of the topic `{name}` has no leader")));
        } else if asked.insert(leader)
            && let Err(error) = cluster.ask_leader(name, id)
        {
            out.push(Finding::wrong(format!(
                "broker {leader}, which leads partition {id} of the topic `{name}`, does not answer: {error}; its \
                 advertised.listeners must lead there from this machine",
            )));
        }
    }
}

fn number(config: &ConfigResource, name: &str) -> Option<usize> {
    config.get(name)?.value.as_deref()?.parse().ok()
}
