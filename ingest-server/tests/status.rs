//! What `footfall status` tells a person of a running server, and of none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod support;

use std::process::Output;
use support::program::{Program, footfall};

fn status(admin: &str, more: &[&str]) -> (bool, String, String) {
    let mut command = footfall(&["status", "--admin-listen", admin]);
    let Output { status, stdout, stderr } = command.args(more).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn admin_of(program: &mut Program) -> String {
    let line = program.log_until("(admin)");
    line.split_once("listening on http://").unwrap().1.split_once(" (admin)").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_waits_while_kafka_is_away_and_what_was_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start_with(dir.path(), &["--kafka-brokers", "127.0.0.1:1"]);
    let admin = admin_of(&mut program);
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
async fn a_server_that_is_not_ready_ends_it_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let full = ["--journal-max-bytes", "1MiB", "--journal-retention-bytes", "off"];
    let mut program = Program::start_with(dir.path(), &full);
    let admin = admin_of(&mut program);
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
