//! What is stored already is sent to a real Kafka, in order, under its own keys and headers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::support::kafka::Kafka;
use crate::support::{DEADLINE, record};
use bytes::Bytes;
use footfall_delivery::{DeliveryError, KafkaSettings, Position, Record, RecordOutcome, Replayer};

fn replayer(brokers: &str, topic: &str) -> Replayer {
    Replayer::open(&KafkaSettings { topic: topic.to_owned(), ..KafkaSettings::new([brokers]) }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_arrive_as_they_are_in_the_order_of_their_keys_also_a_second_time() {
    let kafka = Kafka::shared();
    kafka.create_topic("replayed", &[]).await;
    let replayer = replayer(&kafka.brokers(), "replayed");
    let records: Vec<Record> = (0..2_000).map(record).collect();
    let mut ends: HashMap<Bytes, Position> = HashMap::new();
    let mut last = Vec::new();
    for _ in 0..2 {
        for page in records.chunks(300) {
            let outcomes = replayer.send(page, DEADLINE).unwrap();
            assert_eq!(outcomes.len(), page.len());
            last.clear();
            for (record, outcome) in page.iter().zip(outcomes) {
                let RecordOutcome::Stored(position) = outcome else { panic!("{outcome:?}") };
                last.push(position);
                if let Some(before) = ends.insert(record.key.clone().unwrap(), position) {
                    assert_eq!(before.partition, position.partition);
                    assert!(before.offset < position.offset, "{before:?} is not before {position:?}");
                }
            }
        }
    }
    assert_eq!(kafka.count("replayed"), 4_000);
    let sent = &records[records.len() - last.len()..];
    for (seen, sent) in kafka.read("replayed", &last[..20]).iter().zip(sent) {
        assert_eq!((seen.key.as_deref(), &seen.payload[..]), (sent.key.as_deref(), &sent.payload[..]));
        let headers = sent.headers.iter().map(|header| (header.name.to_string(), header.value.to_vec()));
        assert_eq!(seen.headers, headers.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_refused_alone() {
    let kafka = Kafka::shared();
    kafka.create_topic("small", &[("max.message.bytes", "20000")]).await;
    let mut records: Vec<Record> = (0..20).map(record).collect();
    // Of bytes that no codec makes smaller.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    records[7].payload = noise.take(30_000).collect::<Vec<u8>>().into();
    let outcomes = replayer(&kafka.brokers(), "small").send(&records, DEADLINE).unwrap();
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            RecordOutcome::Failed(failure) => {
                assert_eq!((number, failure.code, failure.retry), (7, "record_too_large", false));
            }
            outcome => assert!(number != 7 && matches!(outcome, RecordOutcome::Stored(_)), "{outcome:?}"),
        }
    }
    assert_eq!(kafka.count("small"), 19);
}

#[test]
fn without_an_answer_it_ends_when_the_time_is_over() {
    let replayer = replayer("127.0.0.1:1", "replayed");
    let begun = Instant::now();
    let error = replayer.send(&[record(1)], Duration::from_secs(2)).unwrap_err();
    assert!(matches!(error, DeliveryError::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1") || error.to_string().contains("no broker"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}
