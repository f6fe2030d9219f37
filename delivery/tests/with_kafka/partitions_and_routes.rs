//! Which partition and which topic a record goes to, against a real Apache Kafka and its own Java producer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::kafka::Kafka;
use crate::support::{DEADLINE, ToKafka, kafka_settings, record, wait_for, wait_until_healthy};
use footfall_delivery::{
    Batch, CloseOutcome, Compression, Delivery, HotKeys, Partitioner, Position, Record, Stored, TopicSettings,
};

fn keyed(key: &str) -> Record {
    Record { key: Some(key.to_owned().into()), payload: "{}".into(), ..Record::default() }
}

/// Keys of all lengths, and some that are not ASCII.
fn keys() -> Vec<String> {
    let by_length = (1..40).map(|length| "abcdefghijklmnopqrstuvwxyz0123456789abcdefg"[..length].to_owned());
    let users = (0..60).map(|number| format!("user-{number}"));
    by_length.chain(users).chain(["naïve", "日本語", "😀😀"].map(str::to_owned)).collect()
}

fn positions(stored: Stored) -> Vec<Position> {
    match stored {
        Stored::Kafka(positions) => positions,
        elsewhere => panic!("Kafka has not acknowledged them in time: {elsewhere:?}"),
    }
}

/// Where Kafka's own console producer, which is Java's client, puts records with these keys.
fn by_java(kafka: &Kafka, topic: &str, keys: &[String]) -> BTreeMap<Vec<u8>, i32> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh");
    let mut producer = Command::new("bash")
        .arg(script)
        .args(["java", "-Dfile.encoding=UTF-8", "org.apache.kafka.tools.ConsoleProducer"])
        .args(["--bootstrap-server", &kafka.brokers(), "--topic", topic])
        .args(["--property", "parse.key=true", "--property", "key.separator=:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines: String = keys.iter().map(|key| format!("{key}:value\n")).collect();
    producer.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(producer.wait().unwrap().success());
    let all = kafka.all(topic);
    all.into_iter().map(|(position, seen)| (seen.key.unwrap(), position.partition)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lands_where_javas_client_puts_it_also_where_hot_keys_are_spread() {
    let kafka = Kafka::shared();
    let keys = keys();
    kafka.create_topic("by-java", &[]).await;
    let expected = by_java(kafka, "by-java", &keys);
    assert_eq!(expected.len(), keys.len());
    assert_eq!(expected.values().collect::<BTreeSet<_>>().len(), 3, "the keys reach all partitions");
    let hot = HotKeys { rate: NonZeroU32::new(1_000).unwrap(), buckets: NonZeroU8::new(8).unwrap() };
    for (topic, hot_keys) in [("by-hash", None), ("by-hash-below-the-rate", Some(hot))] {
        kafka.create_topic(topic, &[]).await;
        let delivery = open(kafka, topic, |kafka| kafka.hot_keys = hot_keys).await;
        let batch = Batch::new(keys.iter().map(|key| keyed(key)).collect());
        let positions = positions(delivery.append(batch).await.unwrap().stored);
        for (key, position) in keys.iter().zip(positions) {
            assert_eq!(expected[key.as_bytes()], position.partition, "{topic} {key}");
        }
    }
}

async fn open(
    kafka: &Kafka,
    topic: &str,
    change: impl FnOnce(&mut footfall_delivery::KafkaSettings),
) -> ToKafka {
    let opened = ToKafka::open(&kafka.brokers(), topic, |settings| {
        let kafka = settings.kafka.as_mut().unwrap();
        // A busy machine sends nothing to the journal here.
        kafka.slow_after = Duration::from_secs(50);
        kafka.request_timeout = Duration::from_secs(50);
        change(kafka);
    });
    wait_until_healthy(&opened).await;
    opened
}

#[tokio::test(flavor = "multi_thread")]
async fn each_partitioner_spreads_one_key_as_it_says() {
    let kafka = Kafka::shared();
    let hot = HotKeys { rate: NonZeroU32::new(10).unwrap(), buckets: NonZeroU8::new(8).unwrap() };
    for (partitioner, hot_keys) in [
        (Partitioner::Hash, None),
        (Partitioner::RoundRobin, None),
        (Partitioner::Random, None),
        (Partitioner::Sticky, None),
        (Partitioner::Hash, Some(hot)),
    ] {
        let topic = format!("spread-by-{partitioner}{}", hot_keys.map(|_| "-hot").unwrap_or_default());
        kafka.create_topic(&topic, &[]).await;
        let delivery = open(kafka, &topic, |kafka| {
            (kafka.partitioner, kafka.hot_keys) = (partitioner, hot_keys);
            kafka.linger = Duration::from_millis(50);
        })
        .await;
        let batch = Batch::new((0..300).map(|_| keyed("one")).collect());
        let mut counts = [0; 3];
        for position in positions(delivery.append(batch).await.unwrap().stored) {
            counts[position.partition as usize] += 1;
        }
        let used = counts.iter().filter(|count| **count > 0).count();
        match (partitioner, hot_keys) {
            (Partitioner::Hash, None) => assert_eq!(used, 1, "{counts:?}"),
            (Partitioner::RoundRobin, _) => assert_eq!(counts, [100; 3]),
            (Partitioner::Sticky, _) => assert!(counts.iter().max().unwrap() > &100, "{counts:?}"),
            (Partitioner::Random, _) => assert!(counts.iter().all(|count| *count > 50), "{counts:?}"),
            (Partitioner::Hash, Some(_)) => assert!(used > 1, "{counts:?}"),
        }
        // The key itself is in the record, whatever becomes of its partition.
        assert!(kafka.all(&topic).iter().all(|(_, seen)| seen.key.as_deref() == Some(b"one")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_topics_are_made_as_the_settings_say_and_rows_keep_their_topic_through_an_outage() {
    let mut kafka = Kafka::start();
    kafka.kill();
    let directory = tempfile::tempdir().unwrap();
    let mut settings = kafka_settings(directory.path(), &kafka.brokers(), "made");
    {
        let kafka = settings.kafka.as_mut().unwrap();
        kafka.routed_topics = ["made-too".to_owned()].into();
        kafka.topics = TopicSettings {
            create: true,
            partitions: NonZeroU16::new(4),
            replication_factor: NonZeroU16::new(1),
            min_insync_replicas: NonZeroU16::new(1),
            retention: Some(Duration::from_secs(3 * 24 * 3600)),
            compression: Some(Compression::Zstd),
        };
    }
    let routed = |number: usize| Record { topic: Some("made-too".into()), ..record(number) };
    let mixed = |numbers: std::ops::Range<usize>| {
        Batch::new(numbers.map(|n| if n % 2 == 0 { record(n) } else { routed(n) }).collect())
    };
    // Nobody answers: the journal takes the rows, each with its topic, through a restart.
    let delivery = Delivery::open(settings.clone()).unwrap();
    assert_eq!(delivery.append(mixed(0..20)).await.unwrap().stored, Stored::Journal);
    assert_eq!(delivery.close(Duration::from_secs(10)), CloseOutcome::Drained);
    drop(delivery);
    kafka.start_again();
    let delivery = Delivery::open(settings).unwrap();
    wait_until_healthy(&delivery).await;
    wait_for("the journal is drained", || (delivery.stats().kafka.unwrap().waiting_rows == 0).then_some(()))
        .await;
    let positions = positions(delivery.append(mixed(20..40)).await.unwrap().stored);
    assert_eq!(positions.len(), 20);
    for (topic, rest) in [("made", 0), ("made-too", 1)] {
        let all = kafka.all(topic);
        let expected: BTreeSet<Vec<u8>> =
            (0..40).filter(|n| n % 2 == rest).map(|n| record(n).payload.to_vec()).collect();
        assert_eq!(all.len(), 20, "{topic}");
        assert_eq!(
            all.into_iter().map(|(_, seen)| seen.payload).collect::<BTreeSet<_>>(),
            expected,
            "{topic}"
        );
    }
    for topic in ["made", "made-too", "made.dead-letter"] {
        assert_eq!(kafka.ends(topic).len(), 4, "{topic}");
        for (name, value) in
            [("retention.ms", "259200000"), ("compression.type", "zstd"), ("min.insync.replicas", "1")]
        {
            assert_eq!(kafka.topic_config(topic, name).await, value, "{topic} {name}");
        }
    }
    assert_eq!(delivery.stats().kafka.unwrap().possible_duplicates, 0);
    assert_eq!(delivery.close(DEADLINE), CloseOutcome::Drained);
}
