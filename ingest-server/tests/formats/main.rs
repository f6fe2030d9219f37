//! Records in Avro, in Protobuf and as structured CloudEvents, in a real Kafka and under a real schema registry, read back
//! by decoders of others and compared with the JSON that the live view shows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![allow(unreachable_pub, reason = "the modules are of this test alone")]

#[path = "support/decoded.rs"]
mod decoded;
#[path = "support/registry.rs"]
mod registry;
mod support;

use footfall_delivery::journal::JournalReader;
use footfall_delivery::{KafkaSettings, TopicReader, TopicRecord};
use registry::{API, Front, Registry};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use support::kafka::{Kafka, free_ports};
use support::live::watch;
use support::program::{Program, footfall};
use support::{Server, send, tls};
use tokio::sync::OnceCell;

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

static KAFKA: LazyLock<Kafka> = LazyLock::new(kafka);
static REGISTRY: OnceCell<Registry> = OnceCell::const_new();

fn kafka() -> Kafka {
    let [port, controller] = free_ports();
    Kafka::run(port, controller, &[])
}

async fn registry() -> &'static Registry {
    REGISTRY.get_or_init(Registry::start).await
}

/// The records of a topic, as soon as there are so many.
fn records(kafka: &Kafka, topic: &str, count: usize) -> Vec<TopicRecord> {
    let begun = Instant::now();
    loop {
        let mut records = Vec::new();
        // The topic comes to be with its first record.
        if let Ok(mut reader) = TopicReader::open(&KafkaSettings::new([kafka.brokers.clone()]), topic) {
            while let Some(record) = reader.next_record().unwrap() {
                records.push(record);
            }
        }
        if records.len() >= count {
            return records;
        }
        assert!(begun.elapsed() < DEADLINE, "{topic} has {} of {count} records", records.len());
    }
}

fn header<'a>(record: &'a TopicRecord, name: &str) -> &'a str {
    let found = record.headers.iter().find(|header| header.name == name).unwrap();
    str::from_utf8(&found.value).unwrap()
}

/// What a consumer makes of a value that begins with a schema's id; the id too.
async fn read(record: &TopicRecord) -> (u32, Value) {
    let (head, rest) = record.payload.split_at(5);
    assert_eq!(head[0], 0, "no magic byte");
    let id = u32::from_be_bytes(head[1..].try_into().unwrap());
    let schema = registry().await.schema(id).await;
    let value = match header(record, "content-type") {
        "application/avro" => decoded::avro(&schema, rest),
        "application/protobuf" => {
            assert_eq!(rest[0], 0, "the first message");
            decoded::protobuf(&schema, &rest[1..])
        }
        other => panic!("{other}"),
    };
    (id, value)
}

const BATCH: &str = r#"{"batch_id":"019ab2f0-0000-7000-8000-000000000001","sent_at":1795458876617,"context":{"anonymous_id":"a1",
    "session_id":"s1","locale":"de-AT","sample_rate":0.25,"screen":{"width":1280,"dpr":1.5},"sdk":{"name":"test","version":"1"},
    "consent":{"analytics":true},"campaign":{"source":"mail","n":[1,2.50,"\"x\""]},
    "page":{"url":"https://forum.example/t/tomatoes/42?utm_source=mail&gclid=G%201","title":"Tomaten 🍅",
            "referrer":"https://www.google.com/search?q=tomatoes"}},
  "events":[{"event":"post_view","event_id":"view","seq":17,"properties":{"post_id": 42, "tags":["a", {"b":null}]}},
            {"event":"purchase","event_id":"buy","key_event":true,"timestamp":-5,"context":{"page":{"path":"/shop"}}},
            {"type":"identify","event_id":"who","user_id":"ü \"1\"","traits":{"name":"Ann"}}]}"#;

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

#[tokio::test(flavor = "multi_thread")]
async fn other_readers_find_the_schema_and_read_what_the_live_view_shows() {
    let registry = registry().await;
    for format in ["avro", "protobuf", "json"] {
        let topic = format!("read.{format}");
        let form = match format {
            "json" => "cloud_events = 'structured'".to_owned(),
            _ => format!("format = '{format}'\nschema_registry.url = '{}'", registry.url()),
        };
        let file = format!(
            "[server]\nregion = 'eu'\n[kafka]\nbrokers = '{}'\ntopic = '{topic}'\n{form}\n[[kafka.route]]\nevent = 'purchase'\n\
             topic = '{topic}.bought'\n",
            KAFKA.brokers
        );
        let server = Server::start_from(&[], Some(&file)).await;
        let mut live = watch(server.admin, "?write_key=pk_demo").await;
        let reply = server.post_with("/v1/events?key=pk_demo", &[("user-agent", CHROME)], BATCH).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["accepted"]), (200, &json!(3)), "{reply:?}");
        let shown: BTreeMap<String, Value> = live
            .until(3)
            .await
            .iter()
            .map(|shown| (shown.data["event_id"].as_str().unwrap().to_owned(), shown.data.clone()))
            .collect();
        let mut found = Vec::new();
        for (topic, count) in [(topic.clone(), 2), (format!("{topic}.bought"), 1)] {
            for record in records(&KAFKA, &topic, count) {
                let id = header(&record, "ce_id").to_owned();
                let value = match format {
                    "json" => {
                        let event: Value = serde_json::from_slice(&record.payload).unwrap();
                        assert_eq!(
                            header(&record, "content-type"),
                            "application/cloudevents+json; charset=UTF-8"
                        );
                        for name in ["id", "type", "source", "time", "specversion"] {
                            assert_eq!(event[name], header(&record, &format!("ce_{name}")));
                        }
                        assert_eq!(event["batchid"], header(&record, "batch_id"));
                        assert_eq!(event["traceparent"], header(&record, "traceparent"));
                        event["data"].clone()
                    }
                    _ => {
                        let subjects = registry.get("/subjects").await.json();
                        assert!(subjects.as_array().unwrap().contains(&format!("{topic}-value").into()));
                        read(&record).await.1
                    }
                };
                assert_eq!(value, shown[&id], "{format}");
                found.push(id);
            }
        }
        found.sort();
        assert_eq!(found, ["buy", "view", "who"]);
        // What the test is about was there at all.
        let view = &shown["view"];
        for field in
            ["/page/query/utm_source", "/referrer/term", "/campaign/click_ids/gclid", "/user_agent/browser"]
        {
            assert!(view.pointer(field).is_some(), "{field} is not in {view:#}");
        }
        server.stop().await.0.unwrap();
    }
}

/// A settings file in a folder of its own.
fn settings(dir: &Path, topic: &str, kafka: &str) -> String {
    let path = dir.join("footfall.toml");
    let text = format!(
        "write_key = 'pk_demo'\nlisten = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = {:?}\n[kafka]\nbrokers = '{}'\n\
         topic = '{topic}'\nformat = 'avro'\n{kafka}",
        dir.join("data"),
        KAFKA.brokers
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Whether a command with these settings succeeded, and what it said.
fn run(command: &[&str], file: &str) -> (bool, String) {
    let output = footfall(command).args(["--config", file]).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_registry_is_told_at_the_start_and_by_check_config() {
    let registry = registry().await;
    let other = json!({"schema": json!({"type": "record", "name": "Other", "fields": [{"name": "n", "type": "int"}]}).to_string()});
    assert_eq!(registry.send("POST", "/subjects/unfit-value/versions", &other).await.status, 200);
    let backward = json!({"compatibility": "BACKWARD"});
    assert_eq!(registry.send("PUT", "/config/unfit-value", &backward).await.status, 200);
    let login = Front::start(registry, Some("Basic YW5uOmh1bnRlcjI="), None).await;
    let folder = tempfile::tempdir().unwrap();
    let pair = tls::pair(folder.path());
    let secured = Front::start(registry, None, Some(pair.acceptor())).await;
    let secured_url = format!("https://localhost:{}{API}", secured.address.port());
    std::fs::write(folder.path().join("password"), "hunter2").unwrap();
    std::fs::write(folder.path().join("wrong"), "hunter3").unwrap();
    let as_ann =
        |password: &str| format!("username = 'ann'\npassword_file = {:?}\n", folder.path().join(password));
    let ca = format!("ca_file = {:?}\n", pair.certificate);
    let plain = registry.url();
    for (topic, url, more, wrong) in [
        ("fine", "http://127.0.0.1:1", String::new(), Some("did not answer")),
        ("fine", "http://no-such-host.invalid", String::new(), Some("cannot be reached")),
        (
            "fine",
            &format!("http://{}", registry.address),
            String::new(),
            Some("has no schema registry's API under that URL"),
        ),
        ("absent", &plain, "auto_register = 'off'\n".to_owned(), Some("not have our schema")),
        ("unfit", &plain, String::new(), Some("does not fit the one that is there")),
        ("fine", &login.url(), String::new(), Some("asks for a login (401")),
        ("fine", &login.url(), as_ann("wrong"), Some("refuses the login")),
        ("fine", &login.url(), as_ann("password"), None),
        (
            "fine",
            &secured_url,
            String::new(),
            Some("TLS fails (its CA is named by kafka.schema_registry.ca_file)"),
        ),
        ("fine", &secured_url, ca, None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        // What may come to be right is waited for; what answers is not.
        let waits = wrong.is_some_and(|wrong| {
            ["did not", "cannot be", "TLS"].iter().any(|begin| wrong.starts_with(begin))
        });
        let timeout = if waits { "5s" } else { "60s" };
        let file = settings(
            dir.path(),
            topic,
            &format!("[kafka.schema_registry]\ntimeout = '{timeout}'\nurl = '{url}'\n{more}"),
        );
        let (_, checked) = run(&["check-config", "--connect"], &file);
        let of_registry: Vec<_> =
            checked.lines().filter(|line| line.contains("the schema registry at")).collect();
        assert!(!checked.contains("hunter"), "{checked}");
        let Some(wrong) = wrong else {
            assert!(
                of_registry.iter().all(|line| line.starts_with("ok ")) && !of_registry.is_empty(),
                "{url}: {checked}"
            );
            let program = Program::start_with(&dir.path().join("data"), &["--config", &file]);
            assert!(program.start.contains("has the id"), "{}", program.start);
            assert_eq!(program.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200);
            program.signal("-TERM");
            assert_eq!(program.end().0, Some(0));
            continue;
        };
        assert!(of_registry.iter().any(|line| line.starts_with("WRONG")), "{url}: {checked}");
        let begun = Instant::now();
        let (fine, said) = run(&["serve"], &file);
        assert!(!fine && said.contains("kafka.schema_registry"), "{url}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert!(said.contains(wrong) && !said.contains("hunter"), "{url}: {said}");
        if !wrong.contains("did not answer") {
            assert!(checked.contains(wrong), "{url}: {checked}");
        }
    }
    // Asking registers nothing.
    let subjects = registry.get("/subjects").await.json();
    assert!(!subjects.as_array().unwrap().contains(&json!("absent-value")), "{subjects}");
}

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

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_as_the_store_keeps_json_and_is_replayed_in_the_format_of_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let program = Program::start(&data);
    assert_eq!(program.post(BATCH).await.status, 200);
    let rows = JournalReader::open(&data).unwrap().read_after(0, 10).unwrap();
    let stored: Vec<Value> = rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect();
    assert_eq!(stored.len(), 3);
    for (format, topic) in [("avro", "replayed.avro"), ("protobuf", "replayed.protobuf")] {
        let file = settings(dir.path(), topic, "");
        let text = std::fs::read_to_string(&file).unwrap().replace("'avro'", &format!("'{format}'"));
        std::fs::write(&file, text).unwrap();
        let (fine, said) = run(&["replay", "--to-kafka", "--since", "1h"], &file);
        assert!(fine && said.contains("3 events sent"), "{said}");
        for record in records(&KAFKA, topic, 3) {
            // Without a registry the schema is the published one, and nothing stands in front.
            let value = match format {
                "avro" => {
                    decoded::avro(include_str!("../../event-model/schemas/record.avsc"), &record.payload)
                }
                _ => {
                    decoded::protobuf(include_str!("../../event-model/schemas/record.proto"), &record.payload)
                }
            };
            let id = header(&record, "ce_id");
            assert_eq!(Some(&value), stored.iter().find(|stored| stored["event_id"] == id));
        }
    }
    program.kill();
}
