//! Whether the Kafka settings make sense, each and together, and what would be right where they do not.
//! TLS and SASL, topics and the guarantee say so themselves; librdkafka's own check comes last.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::config::{config_error, producer_config};
use super::partitioning::{MAX_BUCKETS, Partitioner};
use super::settings::KafkaSettings;
use super::{security, topics};
use crate::error::WrongSetting;

/// What `batch_bytes` may be: the least that most records fit in, and the most that librdkafka sends at once.
const BATCH_BYTES: RangeInclusive<usize> = 16_384..=100_000_000;

impl KafkaSettings {
    /// Everything that is wrong.
    pub(crate) fn check(&self, memory_max_bytes: usize, wrong: &mut Vec<WrongSetting>) {
        let mut say = |setting: &str, reason: String| wrong.push(WrongSetting::new(setting, reason));
        if self.brokers.is_empty() {
            say("kafka.brokers", "it is empty; give at least one `host:port`".to_owned());
        }
        for reason in self.brokers.iter().filter_map(|broker| check_broker(broker).err()) {
            say("kafka.brokers", reason);
        }
        if let Err(reason) = check_topic(&self.topic) {
            say("kafka.topic", reason);
        } else if let Err(reason) = check_topic(&self.dead_letter_topic()) {
            say("kafka.dead_letter_topic", reason);
        } else if self.dead_letter_topic() == self.topic {
            let reason =
                format!("`{}` is the topic of events; refused ones need one of their own", self.topic);
            say("kafka.dead_letter_topic", reason);
        }
        let (second, fastest) = (Duration::from_secs(1), Duration::from_millis(100));
        let too_long = |of: Duration| self.linger.checked_mul(4).is_none_or(|quadruple| quadruple > of);
        let leaves = |of: &str, value: Duration| {
            format!("{:?} leaves too little of {of} ({value:?}): at most a quarter of it", self.linger)
        };
        if !(second..=Duration::from_secs(300)).contains(&self.request_timeout) {
            say("kafka.request_timeout", format!("{:?} is not between 1 s and 300 s", self.request_timeout));
        } else if !(fastest..=Duration::from_secs(60)).contains(&self.slow_after) {
            say("kafka.slow_after", format!("{:?} is not between 100 ms and 60 s", self.slow_after));
        } else if too_long(self.request_timeout) {
            say("kafka.linger", leaves("kafka.request_timeout", self.request_timeout));
        } else if too_long(self.slow_after) {
            say("kafka.linger", leaves("kafka.slow_after", self.slow_after));
        }
        if !BATCH_BYTES.contains(&self.batch_bytes) {
            let (least, most) = (BATCH_BYTES.start(), BATCH_BYTES.end());
            let reason = format!("{} bytes is not between {least} and {most}", self.batch_bytes);
            say("kafka.batch_size", reason);
        }
        let instead = |name| decided_elsewhere(name).or_else(|| security::decided_elsewhere(self, name));
        for (name, value) in &self.properties {
            let elsewhere = instead(name).map(str::to_owned);
            if let Some(reason) = elsewhere.or_else(|| self.guarantee.clash(name, value)) {
                say(&format!("kafka.properties.{name}"), reason);
            }
        }
        if let Err(reason) = self.guarantee.check() {
            say("kafka.transactional_id", reason);
        }
        if let Some(hot) = self.hot_keys {
            if self.partitioner != Partitioner::Hash {
                let reason =
                    format!("it spreads keys, which {} does not look at: leave one out", self.partitioner);
                say("kafka.hot_key_rate", reason);
            }
            if !(2..=MAX_BUCKETS).contains(&hot.buckets.get()) {
                let reason = format!("{} is not between 2 and {MAX_BUCKETS}", hot.buckets);
                say("kafka.hot_key_buckets", reason);
            }
        }
        topics::check(self, wrong);
        security::check(self, wrong);
        // librdkafka's own check of names and values ends at the first one that it does not like. What it finds
        // only when a client is made (`retries=0` beside idempotence) is told when the delivery opens: a client
        // starts threads and may go out, to a token endpoint for instance.
        if let Err(error) = producer_config(self, memory_max_bytes, None).create_native_config()
            && wrong.is_empty()
        {
            wrong.push(config_error(&error));
        }
    }
}

fn check_broker(broker: &str) -> Result<(), String> {
    let port =
        broker.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains([' ', ',', '/']));
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(1..)) => Ok(()),
        _ => Err(format!("`{broker}` is no `host:port`, such as `kafka-1.example.net:9092`")),
    }
}

/// Kafka's own rule for topic names.
pub(super) fn check_topic(topic: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=249).contains(&topic.len()) && topic.chars().all(allowed) && topic != "." && topic != ".." {
        return Ok(());
    }
    Err(format!("`{topic}` is no topic name: 1 to 249 of the characters a-z, A-Z, 0-9, `.`, `_`, `-`"))
}

/// What to set instead of a property that may not pass through.
fn decided_elsewhere(property: &str) -> Option<&'static str> {
    Some(match property {
        "bootstrap.servers" | "metadata.broker.list" => "set kafka.brokers instead",
        "compression.codec" | "compression.type" => "set kafka.compression instead",
        "batch.size" => "set kafka.batch_size instead",
        "linger.ms" | "queue.buffering.max.ms" => "set kafka.linger instead",
        "message.timeout.ms" | "delivery.timeout.ms" => {
            "it is fixed: a record that is given up on its way may be stored twice; see kafka.slow_after"
        }
        "queue.buffering.max.kbytes" | "queue.buffering.max.messages" => "it follows memory_max_bytes",
        "delivery.report.only.error" => {
            "it is fixed: each stored event is reported, or none would be acknowledged"
        }
        "partitioner" => "set kafka.partitioner instead",
        "queuing.strategy" => "it is fixed: events keep their order, which idempotence needs",
        "enable.gapless.guarantee" => {
            "it is fixed: a record that fails must fail alone, not end the producer for all others"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
