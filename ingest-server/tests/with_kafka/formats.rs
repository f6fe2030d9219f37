//! Records in Avro, in Protobuf and as structured CloudEvents, in a real Kafka and under a real schema registry, read back
//! by decoders of others and compared with the JSON that the live view shows.
#![allow(unreachable_pub, reason = "the modules are of this test alone")]

#[path = "../support/decoded.rs"]
mod decoded;
mod outage;
#[path = "../support/registry.rs"]
mod registry;
mod registry_login;
mod wrong_registry;

use crate::support::Server;
use crate::support::kafka::Kafka;
use crate::support::live::watch;
use crate::support::ports::free_ports;
use crate::support::program::{Program, footfall};
use footfall_delivery::journal::JournalReader;
use footfall_delivery::{KafkaSettings, TopicReader, TopicRecord};
use registry::Registry;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
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
                    decoded::avro(include_str!("../../../event-model/schemas/record.avsc"), &record.payload)
                }
                _ => decoded::protobuf(
                    include_str!("../../../event-model/schemas/record.proto"),
                    &record.payload,
                ),
            };
            let id = header(&record, "ce_id");
            assert_eq!(Some(&value), stored.iter().find(|stored| stored["event_id"] == id));
        }
    }
    program.kill();
}
