//! The Kafka settings in the field's own terms, and whether they make sense together.
//! How they become librdkafka's properties stands in `config`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::config::{DEFAULT_BATCH_BYTES, config_error, producer_config};
use super::guarantee::Guarantee;
use super::partitioning::{HotKeys, MAX_BUCKETS, Partitioner};
use super::security::{self, KafkaSasl, KafkaTls};
use super::topics::{self, TopicSettings};
use crate::error::WrongSetting;

/// The codec of record batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// gzip (zlib).
    Gzip,
    /// Snappy: little CPU on both sides.
    #[default]
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard: the smallest, at more CPU.
    Zstd,
}

impl Compression {
    const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Its name in Kafka's `compression.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no compression; one of none, gzip, snappy, lz4, zstd is"))
    }
}

/// What `batch_bytes` may be: the least that most records fit in, and the most that librdkafka sends at once.
const BATCH_BYTES: RangeInclusive<usize> = 16_384..=100_000_000;

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
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut KafkaSettings)) -> String {
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        let told = |settings: &KafkaSettings| {
            let mut wrong = Vec::new();
            settings.check(64 << 20, &mut wrong);
            wrong.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(&settings), Vec::<String>::new());
        change(&mut settings);
        let [one] = told(&settings).try_into().unwrap();
        one
    }

    #[test]
    fn a_wrong_setting_is_refused_with_its_name_and_what_would_be_right() {
        let cases = [
            (refused(|s| s.brokers.clear()), "kafka.brokers", "host:port"),
            (refused(|s| s.brokers = vec!["kafka".into()]), "kafka.brokers", "`kafka`"),
            (refused(|s| s.brokers = vec!["a:1,b:2".into()]), "kafka.brokers", "host:port"),
            (refused(|s| s.brokers = vec!["kafka:0".into()]), "kafka.brokers", "host:port"),
            (refused(|s| s.topic = "my topic".into()), "kafka.topic", "249"),
            (refused(|s| s.topic = "..".into()), "kafka.topic", "249"),
            (refused(|s| s.dead_letter_topic = Some("a b".into())), "kafka.dead_letter_topic", "249"),
            (
                refused(|s| s.dead_letter_topic = Some(s.topic.clone())),
                "kafka.dead_letter_topic",
                "of their own",
            ),
            (refused(|s| s.request_timeout = Duration::ZERO), "kafka.request_timeout", "300 s"),
            (refused(|s| s.linger = Duration::from_secs(9)), "kafka.linger", "a quarter"),
            (refused(|s| s.linger = Duration::from_secs(1)), "kafka.linger", "kafka.slow_after"),
            (refused(|s| s.linger = Duration::MAX), "kafka.linger", "a quarter"),
            (refused(|s| s.slow_after = Duration::ZERO), "kafka.slow_after", "100 ms"),
            (refused(|s| s.slow_after = Duration::from_secs(61)), "kafka.slow_after", "60 s"),
            (
                refused(|s| drop(s.properties.insert("client.rak".into(), "a".into()))),
                "client.rak",
                "No such",
            ),
            (refused(|s| drop(s.properties.insert("acks".into(), "1".into()))), "acks", "in-sync"),
        ];
        for (message, setting, right) in cases {
            assert!(message.contains(setting) && message.contains(right), "{message}");
        }
        assert!("brotli".parse::<Compression>().unwrap_err().contains("zstd"));
        assert_eq!("lz4".parse(), Ok(Compression::Lz4));
    }

    #[test]
    fn a_property_that_would_break_a_promise_is_refused_by_name() {
        let cases = [
            ("delivery.report.only.error", "true", "acknowledged"),
            ("queuing.strategy", "lifo", "order"),
            ("enable.gapless.guarantee", "true", "fail alone"),
        ];
        for (name, value, reason) in cases {
            let message = refused(|s| drop(s.properties.insert(name.into(), value.into())));
            assert!(message.contains(&format!("kafka.properties.{name}`")), "{message}");
            assert!(message.contains("it is fixed") && message.contains(reason), "{message}");
        }
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        settings.properties.insert("allow.auto.create.topics".into(), "false".into());
        let mut wrong = Vec::new();
        settings.check(64 << 20, &mut wrong);
        assert_eq!(wrong, []);
    }

    #[test]
    fn a_property_that_clashes_with_the_guarantee_is_refused_with_its_name() {
        let exactly = || Guarantee::ExactlyOnce { transactional_id: "footfall-1".to_owned() };
        let cases = [
            (Guarantee::AtLeastOnce, "acks", "1", "at-least-once: an event is acknowledged only"),
            (Guarantee::AtLeastOnce, "transactional.id", "f", "set it to exactly-once"),
            (Guarantee::AtLeastOnce, "retries", "0", "without retries"),
            (Guarantee::AtLeastOnce, "max.in.flight", "6", "at most 5"),
            (exactly(), "enable.idempotence", "false", "which is exactly-once"),
            (exactly(), "request.required.acks", "1", "which is exactly-once"),
            (exactly(), "transactional.id", "f", "kafka.transactional_id"),
            (exactly(), "transaction.timeout.ms", "1000", "fixed at 60s"),
            (exactly(), "isolation.level", "read_uncommitted", "what was aborted"),
            (Guarantee::AtMostOnce, "acks", "all", "choose at-least-once"),
            (Guarantee::AtMostOnce, "message.send.max.retries", "3", "sent once"),
        ];
        for (guarantee, name, value, right) in cases {
            let told = refused(|settings| {
                settings.guarantee = guarantee;
                settings.properties.insert(name.into(), value.into());
            });
            assert!(told.contains(&format!("kafka.properties.{name}")) && told.contains(right), "{told}");
        }
        let told = refused(|s| s.guarantee = Guarantee::ExactlyOnce { transactional_id: String::new() });
        assert!(told.contains("kafka.transactional_id") && told.contains("249"), "{told}");
        for guarantee in [Guarantee::AtMostOnce, Guarantee::AtLeastOnce, exactly()] {
            let mut settings = KafkaSettings { guarantee, ..KafkaSettings::new(["localhost:9092"]) };
            settings.properties.insert("max.in.flight".into(), "5".into());
            let mut wrong = Vec::new();
            settings.check(64 << 20, &mut wrong);
            assert_eq!(wrong, []);
        }
    }

    #[test]
    fn a_wrong_value_is_refused_without_being_shown() {
        let cases = [
            ("security.protocol", "hunter2", "librdkafka takes"),
            ("debug", "broker,hunter2", "librdkafka takes"),
            ("socket.timeout.ms", "hunter2", "librdkafka takes"),
            ("socket.timeout.ms", "7", "10..300000"),
        ];
        for (name, value, reason) in cases {
            let message = refused(|s| drop(s.properties.insert(name.into(), value.into())));
            assert!(message.contains(&format!("kafka.properties.{name}`")), "{message}");
            assert!(message.contains(reason) && !message.contains("hunter2"), "{message}");
            assert!(!message.contains("value 7"), "{message}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        settings.properties.insert("sasl.password".into(), "hunter2".into());
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
