//! The guarantees by name, as a sender sees them: what is answered when, and what becomes of it without Kafka.

use crate::support::kafka::Kafka;
use crate::support::program::{Program, footfall};
use crate::support::{Server, send};
use footfall_delivery::{KafkaSettings, TopicReader};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const OFFSETS: &str = "/v1/events?key=pk_demo&receipt=offsets";

fn batch(name: &str, events: u32) -> String {
    let events: Vec<String> =
        (0..events).map(|n| format!(r#"{{"event":"post_view","event_id":"{name}-{n}"}}"#)).collect();
    format!(r#"{{"events":[{}]}}"#, events.join(","))
}

/// How often each event stands among what is committed.
fn committed(brokers: &str) -> BTreeMap<String, u32> {
    let mut reader = TopicReader::open(&KafkaSettings::new([brokers]), "footfall.events").unwrap();
    let mut ids = BTreeMap::new();
    while let Some(record) = reader.next_record().unwrap() {
        let id = record.headers.iter().find(|header| header.name == "ce_id").unwrap();
        *ids.entry(String::from_utf8(id.value.to_vec()).unwrap()).or_default() += 1;
    }
    ids
}

/// The same once there are so many: Kafka answers a commit before each partition has its marker (KIP-98).
fn once_committed(brokers: &str, events: usize) -> BTreeMap<String, u32> {
    let begun = Instant::now();
    loop {
        let ids = committed(brokers);
        if ids.len() >= events {
            return ids;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_answers_after_the_commit_and_a_kill_leaves_each_event_once() {
    let kafka = Kafka::plain();
    let dir = tempfile::tempdir().unwrap();
    let more = [
        "--kafka-brokers",
        &kafka.brokers,
        "--kafka-guarantee",
        "exactly-once",
        "--server-instance",
        "edge-1",
    ];
    let mut program = Program::start_with(dir.path(), &more);
    program.until_logged("events go to it");
    let reply = send(program.public, "POST", OFFSETS, &[], batch("a", 40)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["stored"]), (200, &"kafka".into()), "{reply:?}");
    assert!(reply.json()["events"][39]["offset"].is_u64());
    assert_eq!(once_committed(&kafka.brokers, 40).len(), 40);
    program.kill();
    let mut program = Program::start_with(dir.path(), &more);
    program.until_logged("events go to it");
    assert_eq!(send(program.public, "POST", OFFSETS, &[], batch("a", 50)).await.json()["duplicate"], 40);
    program.kill();
    let ids = once_committed(&kafka.brokers, 50);
    assert!(ids.len() == 50 && ids.values().all(|count| *count == 1), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_answers_202_and_stores_what_kafka_takes() {
    let kafka = Kafka::plain();
    let server =
        Server::start(&[("kafka.brokers", &kafka.brokers), ("kafka.guarantee", "at-most-once")]).await;
    let reply = server.post_with(OFFSETS, &[], batch("a", 30)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["stored"]), (202, &"memory".into()), "{reply:?}");
    assert_eq!(reply.json()["accepted"], 30);
    let dir = server.data_dir.path().to_str().unwrap();
    let second = footfall(&["serve", "--data-dir", dir, "--write-key", "pk", "--listen", "127.0.0.1:0"])
        .args(["--admin-listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("is in use by another process"), "{said}");
    let copy = server.post_with(OFFSETS, &[], batch("a", 30)).await;
    assert_eq!((copy.status.as_u16(), &copy.json()["duplicate"]), (200, &30.into()), "{copy:?}");
    server.until_metric("footfall_waiting_records 0").await;
    server.until_metric("footfall_kafka_lost_total 0").await;
    let (stopped, data_dir) = server.stop().await;
    stopped.unwrap();
    assert_eq!(committed(&kafka.brokers).len(), 30);
    assert!(!data_dir.path().join("journal.sqlite").exists(), "it keeps no journal");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_counts_what_is_lost_and_refuses_what_has_no_room() {
    // Nobody listens there.
    let server = Server::start_unready(&[
        ("kafka.brokers", "127.0.0.1:1"),
        ("kafka.guarantee", "at-most-once"),
        ("kafka.request_timeout", "1s"),
        ("memory.max_bytes", "1MiB"),
    ])
    .await;
    let reply = server.post_with(OFFSETS, &[], batch("a", 30)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let ready = send(server.admin, "GET", "/readyz", &[], "").await;
    let words = String::from_utf8_lossy(&ready.body).into_owned();
    assert!(ready.status == 503 && words.contains("127.0.0.1:1"), "{words}");
    server.until_metric("footfall_kafka_lost_total 30").await;
    server.until_metric("footfall_waiting_records 0").await;
    let refused = async {
        let mut batches = 0;
        loop {
            let reply = server.post(batch(&format!("b{batches}"), 200)).await;
            if reply.status != 202 {
                return reply;
            }
            batches += 1;
        }
    };
    let reply = tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    assert_eq!(reply.status, 503);
    assert!(["memory_full", "overloaded"].contains(&reply.code().as_str()), "{reply:?}");
}
