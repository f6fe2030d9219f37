//! Promises of the Kafka side, against a real Apache Kafka.

use std::time::{Duration, UNIX_EPOCH};

use crate::support::kafka::Kafka;
use crate::support::kafka::records::Seen;
use crate::support::{DEADLINE, ToKafka, batch, kafka_settings, record, wait_for, wait_until_healthy};
use footfall_delivery::{
    Batch, CloseOutcome, Delivery, DeliveryError, Header, KafkaSettings, KafkaState, OpenError, Position,
    Readiness, Record, RecordOutcome, Stored, TopicError, TopicReader,
};

/// Opens a delivery and waits until events go to Kafka.
async fn open(kafka: &Kafka, topic: &str) -> ToKafka {
    open_with(kafka, topic, |_| ()).await
}

async fn open_with(kafka: &Kafka, topic: &str, change: impl FnOnce(&mut KafkaSettings)) -> ToKafka {
    let opened = ToKafka::open(&kafka.brokers(), topic, |settings| change(settings.kafka.as_mut().unwrap()));
    wait_until_healthy(&opened).await;
    opened
}

fn positions(stored: Stored) -> Vec<Position> {
    match stored {
        Stored::Kafka(positions) => positions,
        elsewhere => panic!("stored elsewhere: {elsewhere:?}"),
    }
}

fn seen(record: &Record) -> Seen {
    Seen {
        key: record.key.as_ref().map(|key| key.to_vec()),
        headers: record.headers.iter().map(|h| (h.name.to_string(), h.value.to_vec())).collect(),
        payload: record.payload.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_batch_is_in_the_topic_at_its_positions_as_it_was_given() {
    let kafka = Kafka::shared();
    kafka.create_topic("as-given", &[]).await;
    let delivery = open(kafka, "as-given").await;
    let mut records: Vec<Record> = (0..50).map(record).collect();
    records.push(Record { payload: "no key, no headers".into(), ..Record::default() });
    records.push(Record {
        key: Some((&[0, 0xff][..]).into()),
        headers: vec![Header::new("raw", &[0xfe, 0][..]), Header::new("raw", "")].into(),
        payload: "bytes".into(),
        ..Record::default()
    });
    // librdkafka copies values of up to 64 KiB into its request, and refers to larger ones.
    records.extend([0, 65_535, 65_536, 300_000].map(|bytes: usize| Record {
        payload: (0..bytes).map(|place| (place % 251) as u8).collect(),
        ..Record::default()
    }));
    let now = || i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let before = now();
    let receipt = delivery.append(Batch::new(records.clone())).await.unwrap();
    let after = now();
    let positions = positions(receipt.stored);
    for position in [positions[0], positions[55]] {
        assert!((before..=after).contains(&kafka.created_at("as-given", position)), "{position:?}");
    }
    assert_eq!(kafka.read("as-given", &positions), records.iter().map(seen).collect::<Vec<_>>());

    // Records of one key are in one partition, in the order in which they were given.
    for key in 0..7 {
        let of_key: Vec<Position> = positions[..50].iter().skip(key).step_by(7).copied().collect();
        assert!(of_key.windows(2).all(|p| p[0].partition == p[1].partition && p[0].offset < p[1].offset));
    }
    let stats = delivery.stats();
    assert_eq!((stats.appended_batches, stats.appended_records, stats.memory_bytes), (1, 56, 0));
}

/// Reports are taken on the runtime that it was opened on: they must come all the same where that has ended, or is busy.
#[test]
fn a_batch_is_answered_whatever_becomes_of_the_runtime_that_it_was_opened_on() {
    use tokio::runtime::Builder;
    let busy = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    let kafka = other.block_on(async {
        let kafka = Kafka::shared();
        kafka.create_topic("other-runtime", &[]).await;
        kafka
    });
    let delivery = busy.block_on(open(kafka, "other-runtime"));
    let in_kafka = |from: usize| {
        other.block_on(async {
            let appended = delivery.append(batch(from..from + 20));
            let receipt = tokio::time::timeout(DEADLINE, appended).await.unwrap().unwrap();
            assert_eq!(positions(receipt.stored).len(), 20);
        });
    };
    in_kafka(0);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    busy.spawn(async move { wait.recv() });
    in_kafka(20);
    drop(go_on);
    drop(busy);
    in_kafka(40);
    assert_eq!(delivery.stats().kafka.unwrap().state, KafkaState::Healthy);
    other.block_on(async {
        assert_eq!(delivery.delivery.close(Duration::from_secs(10)), CloseOutcome::Drained)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_are_each_answered_with_their_own_positions() {
    let kafka = Kafka::shared();
    kafka.create_topic("many-callers", &[]).await;
    let delivery = open(kafka, "many-callers").await;
    let append = |caller: usize| {
        let delivery = delivery.delivery.clone();
        async move { delivery.append(batch(caller * 20..(caller + 1) * 20)).await.unwrap() }
    };
    let callers: Vec<_> = (0..100).map(|caller| tokio::spawn(append(caller))).collect();
    let mut all = Vec::new();
    for caller in callers {
        let positions = positions(caller.await.unwrap().stored);
        assert_eq!(positions.len(), 20);
        all.extend(positions);
    }
    let expected: Vec<Seen> = (0..40).map(|number| seen(&record(number))).collect();
    assert_eq!(kafka.read("many-callers", &all[..40]), expected);
    all.sort_unstable_by_key(|p| (p.partition, p.offset));
    all.dedup();
    assert_eq!((all.len(), kafka.count("many-callers")), (2000, 2000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_kafka_cannot_take_harms_no_neighbour() {
    let kafka = Kafka::shared();
    kafka.create_topic("too-large", &[]).await;
    let delivery = open(kafka, "too-large").await;
    let huge = Record { payload: vec![b'x'; 2_000_000].into(), ..record(1) };
    let error = delivery.append(Batch::new(vec![record(0), huge.clone(), record(2)])).await.unwrap_err();
    let DeliveryError::Partial { outcomes } = error else { panic!("{error}") };
    let RecordOutcome::Failed(failure) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((failure.code, failure.retry), ("record_too_large", false));
    for (index, number) in [(0, 0), (2, 2)] {
        let RecordOutcome::Stored(position) = outcomes[index] else { panic!("{outcomes:?}") };
        assert_eq!(kafka.read("too-large", &[position]), [seen(&record(number))]);
    }
    let error = delivery.append(Batch::new(vec![huge])).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("record_too_large", None), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_read_back_whichever_codec_packs_them() {
    let kafka = Kafka::shared();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("packed-by-{codec}");
        kafka.create_topic(&topic, &[]).await;
        let compression = codec.parse().unwrap();
        let delivery = open_with(kafka, &topic, |kafka| kafka.compression = compression).await;
        assert_eq!(positions(delivery.append(batch(0..50)).await.unwrap().stored).len(), 50);
        let mut reader = TopicReader::open(&KafkaSettings::new([kafka.brokers()]), &topic).unwrap();
        let mut read = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            read.push(record.payload);
        }
        let mut sent: Vec<_> = (0..50).map(|number| record(number).payload).collect();
        read.sort();
        sent.sort();
        assert_eq!(read, sent, "{codec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_no_record_and_no_memory_with_it() {
    let kafka = Kafka::shared();
    kafka.create_topic("cancelled", &[]).await;
    let delivery = open(kafka, "cancelled").await;
    let mut append = Box::pin(delivery.append(batch(0..5)));
    let first_poll = std::future::poll_fn(|context| std::task::Poll::Ready(append.as_mut().poll(context)));
    assert!(first_poll.await.is_pending());
    drop(append);
    wait_for("the records to be settled", || (delivery.stats().appended_records == 5).then_some(())).await;
    assert_eq!((delivery.stats().memory_bytes, kafka.count("cancelled")), (0, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_delivers_what_was_taken_and_takes_nothing_more() {
    let kafka = Kafka::shared();
    kafka.create_topic("closed", &[]).await;
    // Long enough for the close to come while the records still wait for company.
    let delivery = open_with(kafka, "closed", |kafka| kafka.linger = Duration::from_millis(500)).await;
    let waiting = tokio::spawn({
        let delivery = delivery.delivery.clone();
        async move { delivery.append(batch(0..3)).await }
    });
    wait_for("the batch to be taken", || (delivery.stats().memory_records == 3).then_some(())).await;
    let closing = delivery.delivery.clone();
    let outcome = tokio::task::spawn_blocking(move || closing.close(DEADLINE)).await.unwrap();
    assert_eq!(outcome, CloseOutcome::Drained);
    assert_eq!(positions(waiting.await.unwrap().unwrap().stored).len(), 3);
    assert_eq!(delivery.append(batch(0..1)).await, Err(DeliveryError::Closed));
    assert_ne!(delivery.readiness(), Readiness::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_agrees_with_kafka_on_a_minimum_above_the_number_of_replicas() {
    let kafka = Kafka::shared();
    kafka.create_topic("two-replicas-wanted", &[("min.insync.replicas", "2")]).await;
    let delivery = open(kafka, "two-replicas-wanted").await;
    assert_eq!(positions(delivery.append(batch(0..1)).await.unwrap().stored).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_made_where_the_brokers_make_topics() {
    let kafka = Kafka::shared();
    let delivery = open(kafka, "made-by-the-broker").await;
    assert_eq!(positions(delivery.append(batch(0..1)).await.unwrap().stored).len(), 1);
}

#[test]
fn a_property_that_librdkafka_refuses_is_told_in_its_words_without_the_value() {
    let open_with = |name: &str, value: &str| {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = kafka_settings(directory.path(), "127.0.0.1:1", "any");
        settings.kafka.as_mut().unwrap().properties.insert(name.to_owned(), value.to_owned());
        Delivery::open(settings).err()
    };
    let error = open_with("lingre.ms", "secret").unwrap();
    assert!(matches!(error, OpenError::Setting { .. }), "{error}");
    let words = error.to_string();
    assert!(
        words.contains("kafka.properties.lingre.ms") && words.contains("No such configuration"),
        "{words}"
    );
    assert!(!words.contains("secret"), "{words}");
    let words = open_with("batch.num.messages", "many").unwrap().to_string();
    assert!(words.contains("kafka.properties.batch.num.messages"), "{words}");
    assert!(open_with("batch.num.messages", "1000").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_to_a_topic_of_their_own_and_are_read_back_whole() {
    let kafka = Kafka::shared();
    for topic in ["mixed", "mixed.dead-letter"] {
        kafka.create_topic(topic, &[]).await;
    }
    let delivery = open(kafka, "mixed").await;
    let letters = Batch::dead_letters((10..40).map(record).collect());
    let (events, letters) = tokio::join!(delivery.append(batch(0..5)), delivery.append(letters));
    assert_eq!((positions(events.unwrap().stored).len(), positions(letters.unwrap().stored).len()), (5, 30));
    assert_eq!(kafka.count("mixed"), 5);
    let kafka_settings = KafkaSettings { topic: "mixed".to_owned(), ..KafkaSettings::new([kafka.brokers()]) };
    let read = |topic: &str| {
        let mut reader = TopicReader::open(&kafka_settings, topic)?;
        let mut payloads = Vec::new();
        while let Some(record) = reader.next_record()? {
            assert_eq!(record.headers.len(), 2);
            payloads.push(record.payload);
        }
        payloads.sort();
        Ok::<_, TopicError>(payloads)
    };
    let sent: Vec<_> = (10..40).map(|number| record(number).payload).collect();
    assert_eq!(read(&kafka_settings.dead_letter_topic()).unwrap(), sent);
    let error = read("no-such-topic").unwrap_err();
    assert!(error.to_string().contains("the topic `no-such-topic` does not exist"), "{error}");
}
