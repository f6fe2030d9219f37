//! `footfall replay --to-kafka` from the journal of a running server to a real Kafka that asks for a password.

use crate::support::kafka::Kafka;
use crate::support::program::{Program, footfall};
use footfall_delivery::journal::JournalReader;
use footfall_delivery::{KafkaSettings, TopicReader, TopicRecord};
use std::collections::BTreeMap;
use std::process::Output;
use std::time::{Duration, Instant};

const SASL: [(&str, &str); 4] = [
    ("security.protocol", "SASL_PLAINTEXT"),
    ("sasl.mechanisms", "PLAIN"),
    ("sasl.username", "footfall"),
    ("sasl.password", "hunter2-of-kafka"),
];

fn topic(brokers: &str) -> Vec<TopicRecord> {
    let mut settings = KafkaSettings::new([brokers]);
    settings.properties = SASL.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut reader = TopicReader::open(&settings, "footfall.events").unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        records.push(record);
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_sent_to_kafka_and_can_be_sent_again() {
    let kafka = Kafka::start("footfall", SASL[3].1);
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    for batch in 0..5 {
        let events: Vec<String> =
            (0..40).map(|n| format!(r#"{{"event":"e{batch}","seq":{n},"user_id":"u{}"}}"#, n % 3)).collect();
        let reply = program.post(format!(r#"{{"events":[{}]}}"#, events.join(","))).await;
        assert_eq!(reply.status, 200);
    }
    let file = dir.path().join("footfall.toml");
    let properties = SASL.map(|(name, value)| format!("'{name}' = '{value}'")).join("\n");
    let text = format!(
        "write_key = 'pk_demo'\n[kafka]\nbrokers = '{}'\n[kafka.properties]\n{properties}\n",
        kafka.brokers
    );
    std::fs::write(&file, text).unwrap();
    let replay = |more: &[&str]| {
        let mut command =
            footfall(&["replay", "--to-kafka", "--config", file.to_str().unwrap(), "--data-dir"]);
        let Output { status, stderr, .. } = command.arg(dir.path()).args(more).output().unwrap();
        (status.success(), String::from_utf8(stderr).unwrap())
    };
    let begun = Instant::now();
    let (fine, said) = replay(&["--since", "1h", "--rate", "100"]);
    assert!(fine && said.contains("200 events sent to footfall.events"), "{said}");
    assert!(said.contains("the same ce_id") && !said.contains("hunter2"), "{said}");
    assert!(begun.elapsed() > Duration::from_millis(1_900), "faster than its rate: {:?}", begun.elapsed());

    let stored = JournalReader::open(dir.path()).unwrap().read_after(0, 1_000).unwrap();
    assert_eq!(stored.len(), 200, "the journal keeps them");
    let sent = topic(&kafka.brokers);
    assert_eq!(sent.len(), 200);
    let id = |headers: &[footfall_delivery::Header]| {
        headers.iter().find(|header| header.name == "ce_id").unwrap().value.clone()
    };
    let by_id: BTreeMap<_, _> = sent.iter().map(|record| (id(&record.headers), record)).collect();
    for row in &stored {
        let record = by_id[&id(&row.headers)];
        assert_eq!((&record.headers, &record.payload), (&row.headers, &row.payload));
    }

    let (fine, said) = replay(&["--since", "1h", "--event", "e1", "--limit", "30"]);
    assert!(fine && said.contains("30 events sent"), "{said}");
    let again = topic(&kafka.brokers);
    assert_eq!(again.len(), 230);
    assert!(again.iter().all(|record| by_id.contains_key(&id(&record.headers))), "an id that is new");
    program.kill();

    let alone = ["replay", "--to-kafka", "--since", "1h", "--write-key", "pk"];
    let Output { status, stderr, .. } = footfall(&alone).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && said.contains("no Kafka is set: name the brokers"), "{said}");
}
