//! What Kafka itself refuses: kept as it stood, told by the id of its event, and sent to Kafka again once that is mended.

use crate::support::kafka::{Kafka, create_topic};
use crate::support::letters::run;
use crate::support::program::Program;
use crate::support::secured_kafka::SecuredKafka;
use crate::support::{send, until};
use footfall_delivery::{KafkaSettings, TopicReader, TopicRecord};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// The records of a topic, as soon as there are so many.
fn records(brokers: &str, topic: &str, count: usize) -> Vec<TopicRecord> {
    let begun = Instant::now();
    loop {
        let mut records = Vec::new();
        // The topic comes to be with the first record.
        let reader = TopicReader::open(&KafkaSettings::new([brokers]), topic);
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
    let [letter] = &records(&kafka.brokers(), "wide.dead-letter", 1)[..] else { unreachable!() };
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
    let [record] = &records(&kafka.brokers(), "tight", 1)[..] else { unreachable!() };
    assert_eq!((&record.key, &record.payload), (&letter.key, &letter.payload));
    assert_eq!(record.headers, letter.headers[..record.headers.len()]);
    assert!(record.headers.iter().any(|header| header.name == "ce_id" && header.value == "e2"));
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
}

/// What a header of a record says.
fn header(record: &TopicRecord, name: &str) -> String {
    let header = record.headers.iter().find(|header| header.name == name).unwrap();
    String::from_utf8(header.value.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_topics_rules_refuse_is_told_event_by_event_while_the_rest_of_the_batch_is_stored() {
    let kafka = tokio::task::spawn_blocking(Kafka::plain).await.unwrap();
    let brokers = kafka.brokers.as_str();
    create_topic(brokers, "tight", &[("max.message.bytes", "3000")]).await;
    // It takes no record without a key, which is that of an event without a user or a visitor.
    create_topic(brokers, "compacted", &[("cleanup.policy", "compact")]).await;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("footfall.toml").display().to_string();
    let text = format!(
        "write_key = ['pk_demo']\n[kafka]\nbrokers = ['{brokers}']\ncreate_topics = 'on'\ntopic = 'wide'\ncompression = 'none'\n\
         [[kafka.route]]\nevent = 'purchase'\ntopic = 'tight'\n[[kafka.route]]\nevent = 'profile'\ntopic = 'compacted'\n"
    );
    std::fs::write(&config, text).unwrap();
    let program = Program::start_with(&dir.path().join("data"), &["--config", &config]);
    until(async || {
        let path = "/v1/events?key=pk_demo&receipt=offsets";
        send(program.public, "POST", path, &[], r#"{"event":"before"}"#).await.json()["stored"] == "kafka"
    })
    .await;
    let batch = json!({"events": [
        {"event": "post_view", "event_id": "fine", "user_id": "u"},
        {"event": "purchase", "event_id": "large", "user_id": "u", "properties": {"text": "x".repeat(4000)}},
        {"event": "profile", "event_id": "keyless"},
        {"event": "profile", "event_id": "keyed", "user_id": "u"},
    ]});
    let reply = program.post(batch.to_string()).await;
    let told = reply.json();
    let counts = ["accepted", "invalid", "duplicate"].map(|name| told[name].as_u64().unwrap_or_default());
    assert_eq!((reply.status.as_u16(), &told["code"], counts), (200, &json!("partial"), [2, 2, 0]), "{told}");
    let refused: Vec<_> = told["events"].as_array().unwrap().iter().collect();
    let expected = [
        (1, "large", "record_too_large", "Message size too large"),
        (2, "keyless", "record_refused", "the topic `compacted` is compacted"),
    ];
    assert_eq!(refused.len(), expected.len(), "{told}");
    let letters = records(brokers, "wide.dead-letter", expected.len());
    for (entry, (index, id, code, words)) in refused.into_iter().zip(expected) {
        assert_eq!(
            (&entry["index"], &entry["event_id"], &entry["status"], &entry["code"]),
            (&json!(index), &json!(id), &json!("invalid"), &json!(code)),
            "{told}"
        );
        let reason = entry["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
        let letter = letters.iter().find(|letter| header(letter, "ce_id") == id).unwrap();
        let said = ["step", "code", "reason"].map(|name| header(letter, name));
        assert_eq!(said, ["delivery", code, reason]);
    }
    // The first topic has the events from before as well.
    let is_there =
        |topic: &str, id: &str| records(brokers, topic, 1).iter().any(|it| header(it, "ce_id") == id);
    assert!(is_there("wide", "fine") && is_there("compacted", "keyed"));
    assert_eq!(records(brokers, "compacted", 1).len(), 1);
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
}
