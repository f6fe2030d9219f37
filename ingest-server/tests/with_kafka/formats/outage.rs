//! What outlives an outage: the schema's id while the registry is away, and each event once after a kill in any form.

use super::registry::Front;
use super::{DEADLINE, KAFKA, header, kafka, read, records, registry, run, settings};
use crate::support::program::Program;
use crate::support::send;
use serde_json::Value;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_and_goes_on_while_the_registry_is_away_once_it_knows_the_id() {
    let front = Front::start(registry().await, None, None).await;
    let dir = tempfile::tempdir().unwrap();
    let registry = format!("schema_registry.url = '{}'\nschema_registry.timeout = '60s'\n", front.url());
    let file = settings(dir.path(), "away", &registry);
    let mut program = Program::start_with(&dir.path().join("data"), &["--config", &file]);
    let event = |id: &str| format!(r#"{{"events":[{{"event":"a","event_id":"{id}"}}]}}"#);
    assert_eq!(program.post(event("before")).await.status, 200);
    drop(front);
    assert_eq!(program.post(event("without")).await.status, 200);
    program.signal("-TERM");
    program.end();
    let text = std::fs::read_to_string(&file).unwrap().replace("'60s'", "'1s'");
    std::fs::write(&file, text).unwrap();
    program = Program::start_with(&dir.path().join("data"), &["--config", &file]);
    assert!(program.start.contains("the schema registry is away"), "{}", program.start);
    assert_eq!(program.post(event("after")).await.status, 200);
    let mut ids = Vec::new();
    for record in records(&KAFKA, "away", 3) {
        let (schema, value) = read(&record).await;
        ids.push((value["event_id"].as_str().unwrap().to_owned(), schema));
    }
    ids.sort();
    let schema = ids[0].1;
    assert_eq!(ids, ["after", "before", "without"].map(|id| (id.to_owned(), schema)));
    program.kill();
    // Another schema's id is none of this one's.
    let text = std::fs::read_to_string(&file).unwrap().replace("'avro'", "'protobuf'");
    std::fs::write(&file, text).unwrap();
    let (fine, said) = run(&["serve"], &file);
    assert!(!fine && said.contains("no id of the schema for `away-value` is known"), "{said}");
}

/// What the broker had in its buffers when the server was killed is found by `ce_id`, in whatever form it stands.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_and_a_kill_each_event_is_there_once_in_each_form() {
    let own = kafka();
    for (topic, form) in [
        ("structured", "format = 'json'\ncloud_events = 'structured'\n".to_owned()),
        ("registered", format!("format = 'avro'\nschema_registry.url = '{}'\n", registry().await.url())),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let file = settings(dir.path(), topic, "");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("format = 'avro'\n", &form).replace(&KAFKA.brokers, &own.brokers))
            .unwrap();
        let mut program = Program::start_with(&data, &["--config", &file]);
        let mut posted = Vec::new();
        let mut post = async |program: &Program| {
            let id = format!("e{}", posted.len());
            let body = format!(r#"{{"events":[{{"event":"a","event_id":"{id}","user_id":"u"}}]}}"#);
            let reply =
                send(program.public, "POST", "/v1/events?key=pk_demo&receipt=offsets", &[], body).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            posted.push(id);
            reply.json()["stored"] == "kafka"
        };
        let begun = Instant::now();
        // The topic comes to be with the first ones, which go to the journal until then.
        while !post(&program).await {
            assert!(begun.elapsed() < DEADLINE);
        }
        own.signal("-STOP");
        for _ in 0..3 {
            assert!(!post(&program).await, "the broker stands still: the journal takes it");
        }
        program.kill();
        own.signal("-CONT");
        program = Program::start_with(&data, &["--config", &file]);
        post(&program).await;
        let mut ids = Vec::new();
        for record in &records(&own, topic, posted.len()) {
            let value = match topic {
                "structured" => serde_json::from_slice::<Value>(&record.payload).unwrap()["data"].clone(),
                _ => read(record).await.1,
            };
            assert_eq!(value["event_id"], header(record, "ce_id"));
            ids.push(header(record, "ce_id").to_owned());
        }
        ids.sort();
        posted.sort();
        assert_eq!(ids, posted, "{topic}");
        program.signal("-TERM");
        program.end();
    }
}
