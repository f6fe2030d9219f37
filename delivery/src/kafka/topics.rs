//! The topics that records go to, and making those that are missing where that is allowed.
//! Whether one is missing is seen by the probe.

use std::num::NonZeroU16;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;

use super::compression::Compression;
use super::config::client_config;
use super::context::AskContext;
use super::settings::KafkaSettings;
use crate::error::WrongSetting;

/// How long the brokers may take to make topics.
const CREATE_TIMEOUT: Duration = Duration::from_secs(5);

/// The most topics that rules can lead to.
const MAX_ROUTED_TOPICS: usize = 64;

/// How topics are made that are missing; what is `None` is as the brokers have it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Whether they are made at all. Default no: the brokers may make them by themselves (`auto.create.topics.enable`).
    pub create: bool,
    /// Partitions of each.
    pub partitions: Option<NonZeroU16>,
    /// On how many brokers each partition is.
    pub replication_factor: Option<NonZeroU16>,
    /// How many of those must have a record before it is acknowledged (`min.insync.replicas`).
    pub min_insync_replicas: Option<NonZeroU16>,
    /// How long records are kept (`retention.ms`).
    pub retention: Option<Duration>,
    /// How the brokers keep them (`compression.type`); without it as they were produced.
    pub compression: Option<Compression>,
}

impl KafkaSettings {
    /// The topics of events, the one that rules do not lead to first.
    pub fn event_topics(&self) -> Vec<&str> {
        let routed = self.routed_topics.iter().map(String::as_str).filter(|topic| *topic != self.topic);
        std::iter::once(self.topic.as_str()).chain(routed).collect()
    }
}

pub(super) fn check(settings: &KafkaSettings, wrong: &mut Vec<WrongSetting>) {
    let mut say = |setting: &str, reason: String| wrong.push(WrongSetting::new(setting, reason));
    let TopicSettings { replication_factor, min_insync_replicas, .. } = &settings.topics;
    if let (Some(replicas), Some(least)) = (replication_factor, min_insync_replicas)
        && least > replicas
    {
        let reason = format!("{least} replicas cannot be in sync where there are {replicas}");
        say("kafka.topics.min_insync_replicas", reason);
    }
    if settings.routed_topics.len() > MAX_ROUTED_TOPICS {
        let count = settings.routed_topics.len();
        say("kafka.route", format!("it names {count} topics, at most {MAX_ROUTED_TOPICS} are possible"));
    }
    for topic in &settings.routed_topics {
        if let Err(reason) = super::check::check_topic(topic) {
            say("kafka.route", reason);
        } else if *topic == settings.dead_letter_topic() {
            say(
                "kafka.route",
                format!("`{topic}` is the topic of dead letters; events need one of their own"),
            );
        }
    }
}

/// Makes these topics; one that somebody else has made meanwhile is as good.
///
/// # Errors
///
/// Which cannot be made, and why, in words.
pub(super) fn create(settings: &KafkaSettings, names: &[&str]) -> Result<(), String> {
    let admin = AdminClient::from_config_and_context(&client_config(settings), AskContext)
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let topics = &settings.topics;
    // The brokers' own default.
    let number = |value: Option<NonZeroU16>| value.map_or(-1, |value| i32::from(value.get()));
    let least = topics.min_insync_replicas.map(|least| least.to_string());
    let retention = topics.retention.map(|retention| retention.as_millis().to_string());
    // Kafka's name for it is another one than a producer's.
    let compression = topics.compression.map(|codec| match codec {
        Compression::None => "uncompressed",
        codec => codec.as_str(),
    });
    let new = names.iter().map(|name| {
        let replication = TopicReplication::Fixed(number(topics.replication_factor));
        let mut new = NewTopic::new(name, number(topics.partitions), replication);
        let configs = [
            ("min.insync.replicas", least.as_deref()),
            ("retention.ms", retention.as_deref()),
            ("compression.type", compression),
        ];
        for (key, value) in configs.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            new = new.set(key, value);
        }
        new
    });
    let new = new.collect::<Vec<_>>();
    let options =
        AdminOptions::new().request_timeout(Some(CREATE_TIMEOUT)).operation_timeout(Some(CREATE_TIMEOUT));
    let made = runtime.block_on(admin.create_topics(&new, &options)).map_err(|error| error.to_string())?;
    for result in made {
        match result {
            Ok(name) => tracing::info!("the Kafka topic `{name}` was missing and has been made"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                let advice = match code {
                    RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed => {
                        "; it needs the right Create on the topic or the cluster"
                    }
                    RDKafkaErrorCode::InvalidReplicationFactor => {
                        "; see kafka.topics.replication_factor: there must be as many brokers"
                    }
                    _ => "",
                };
                return Err(format!("the topic `{name}` is missing and cannot be made: {code}{advice}"));
            }
        }
    }
    Ok(())
}
