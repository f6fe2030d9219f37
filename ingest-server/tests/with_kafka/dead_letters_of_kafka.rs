//! What Kafka itself refuses: kept as it stood, told by the id of its event, and sent to Kafka again once that is mended.

use crate::support::letters::run;
use crate::support::program::Program;
use crate::support::secured_kafka::SecuredKafka;
use footfall_delivery::{KafkaSettings, TopicReader, TopicRecord};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// The records of a topic, as soon as there are so many.
fn records(kafka: &SecuredKafka, topic: &str, count: usize) -> Vec<TopicRecord> {
    let begun = Instant::now();
    loop {
        let mut records = Vec::new();
        // The topic comes to be with the first record.
        let reader = TopicReader::open(&KafkaSettings::new([kafka.brokers()]), topic);
        if let Ok(mut reader) = reader {
            while let Some(record) = reader.next_record().unwrap() {
                records.push(record);
            }
        }
        if records.len() >= count {
            return records;
        }
        assert!(begun.elapsed() < DEADLINE, "{topic} has {}", records.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_too_large_for_its_topic_is_sent_again_once_that_takes_it() {
    let kafka = tokio::task::spawn_blocking(SecuredKafka::start).await.unwrap();
    kafka.create_topic("tight", &[("max.message.bytes", "3000")]).await;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("footfall.toml").display().to_string();
    let text = format!(
        "write_key = ['pk_demo']\n[kafka]\nbrokers = ['{}']\ncreate_topics = 'on'\ntopic = 'wide'\ncompression = 'none'\n\
         [[kafka.route]]\nevent = 'purchase'\ntopic = 'tight'\n",
        kafka.brokers()
    );
    std::fs::write(&config, text).unwrap();
    let data = dir.path().join("data");
    let start = {
        let (data, config) = (data.clone(), config.clone());
        move || Program::start_with(&data, &["--config", &config])
    };
    let program = tokio::task::spawn_blocking(start).await.unwrap();
    let body = format!(
        r#"{{"events":[{{"event":"post_view","event_id":"e1","user_id":"u"}},
           {{"event":"purchase","event_id":"e2","user_id":"u","properties":{{"text":"{}"}}}}]}}"#,
        "x".repeat(4000)
    );
    let begun = Instant::now();
    // Until Kafka is known, events go to the journal.
    while program.post(body.clone()).await.json()["accepted"].is_null() {
        assert!(begun.elapsed() < DEADLINE);
    }
    let [letter] = &records(&kafka, "wide.dead-letter", 1)[..] else { unreachable!() };
    let call = async |task: &str, more: &[&str]| {
        run(&[&["dead-letters", task, "--config", &config], more].concat()).await
    };

    let (fine, listed) = call("list", &["--event", "purchase", "--since", "1h"]).await;
    assert!(fine, "{listed}");
    let line: Value = serde_json::from_str(listed.trim()).unwrap();
    for (name, value) in [
        ("id", "e2"),
        ("event_id", "e2"),
        ("write_key", "pk_demo"),
        ("step", "delivery"),
        ("code", "record_too_large"),
        ("event", "purchase"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    let (fine, shown) = call("show", &["e2"]).await;
    assert!(fine && shown.contains(r#""topic": "tight""#), "{shown}");

    // `--to` is not asked: the record has passed all checks.
    let (fine, said) = call("replay", &["--to", "http://127.0.0.1:1"]).await;
    assert!(!fine && said.contains("e2 was not taken") && said.contains("too large"), "{said}");
    let wider = [
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        "tight",
        "--add-config",
        "max.message.bytes=9000",
    ];
    kafka.command("kafka.admin.ConfigCommand", &wider);
    let (fine, said) = call("replay", &["--to", "http://127.0.0.1:1"]).await;
    assert!(fine && said.contains("1 accepted, 0 stored before, 0 not taken"), "{said}");
    let [record] = &records(&kafka, "tight", 1)[..] else { unreachable!() };
    assert_eq!((&record.key, &record.payload), (&letter.key, &letter.payload));
    assert_eq!(record.headers, letter.headers[..record.headers.len()]);
    assert!(record.headers.iter().any(|header| header.name == "ce_id" && header.value == "e2"));
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
}
