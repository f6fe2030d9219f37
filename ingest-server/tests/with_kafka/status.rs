//! What `footfall status` tells a person of a running server, and of none.

use crate::support::kafka::Kafka;
use crate::support::program::{Program, footfall};
use std::process::Output;
use std::time::{Duration, Instant};

fn status(admin: &str, more: &[&str]) -> (bool, String, String) {
    let mut command = footfall(&["status", "--admin-listen", admin]);
    let Output { status, stdout, stderr } = command.args(more).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_waits_while_kafka_is_away_and_what_was_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start_with(dir.path(), &["--kafka-brokers", "127.0.0.1:1"]);
    let admin = program.admin();
    let reply = program.post(r#"{"events":[{"event":"a"},{"event":"b"}]}"#).await;
    assert_eq!(reply.status, 200);
    let (fine, said, _) = status(&admin, &[]);
    assert!(fine, "{said}");
    for words in [
        "ready, for",
        "away for",
        "2 rows of the journal for Kafka",
        "of 1.0 GiB (0 %)",
        "2 events since the start",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let (fine, json, _) = status(&admin, &["--json"]);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(fine);
    assert_eq!((&told["kafka"]["state"], &told["kafka"]["waiting_rows"]), (&"away".into(), &2.into()));
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_the_way_to_the_brokers_is() {
    let kafka = tokio::task::spawn_blocking(Kafka::plain).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let often = dir.path().join("footfall.toml");
    std::fs::write(&often, "kafka.properties.\"statistics.interval.ms\" = \"100\"").unwrap();
    let more = ["--kafka-brokers", &kafka.brokers, "--config", often.to_str().unwrap()];
    let mut program = Program::start_with(dir.path(), &more);
    let admin = program.admin();
    let begun = Instant::now();
    // What is told is of the last tenth of a second, so there must be something on the way all the time.
    let said = loop {
        let reply = program.post(r#"{"event":"post_view"}"#).await;
        assert_eq!(reply.status, 200);
        let (fine, said, _) = status(&admin, &[]);
        assert!(fine && begun.elapsed() < Duration::from_secs(60), "{said}");
        if said.contains("healthy for") && said.contains("Brokers") {
            break said;
        }
    };
    assert!(said.contains("answer within "), "{said}");
    let metrics = crate::support::send(admin.parse().unwrap(), "GET", "/metrics", &[], "").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for name in [
        "footfall_kafka_producer_records ",
        "footfall_kafka_producer_bytes ",
        "footfall_kafka_producer_retries_total 0",
        r#"footfall_kafka_round_trip_seconds{quantile="0.99"} 0."#,
        r#"footfall_kafka_round_trip_seconds{quantile="0.5"} 0."#,
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} is not in\n{metrics}");
    }
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ready_ends_it_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let full = ["--journal-max-bytes", "1MiB", "--journal-retention-bytes", "off"];
    let mut program = Program::start_with(dir.path(), &full);
    let admin = program.admin();
    let body = format!(r#"{{"events":[{{"event":"a","properties":{{"t":"{}"}}}}]}}"#, "x".repeat(30_000));
    while program.post(body.clone()).await.status == 200 {}
    let (fine, said, error) = status(&admin, &[]);
    assert!(!fine && error.contains("not ready: the journal is full"), "{error}");
    for words in [
        "NOT READY: the journal is full",
        "not set: the journal is the store",
        "WARN not ready: the journal is full",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    program.kill();
}

#[test]
fn where_nothing_answers_it_says_where_it_asked() {
    let (fine, _, said) = status("127.0.0.1:1", &[]);
    assert!(!fine && said.contains("no server answers at 127.0.0.1:1 (admin_listen)"), "{said}");
    let (fine, _, said) = status("here", &[]);
    assert!(!fine && said.contains("such as 127.0.0.1:8081"), "{said}");
}
