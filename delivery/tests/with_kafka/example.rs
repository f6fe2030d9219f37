//! The example that a backend copies (`examples/hand_over.rs`), run as it stands.

use std::path::Path;
use std::process::Command;

use crate::support::kafka::Kafka;
use tempfile::tempdir;

/// What it prints; cargo builds examples beside the tests.
fn hand_over(directory: &Path, arguments: &[&str]) -> String {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/hand_over");
    let told = Command::new(&program).args(arguments).current_dir(directory).output();
    let told = told.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(told.status.success(), "{told:?}");
    String::from_utf8(told.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_stores_its_record_in_the_journal_and_in_kafka() {
    let directory = tempdir().unwrap();
    let told = hand_over(directory.path(), &[]);
    assert!(told.starts_with("in the journal;"), "{told}");

    let kafka = Kafka::start();
    kafka.create_topic("orders", &[]).await;
    // Before the first answer of a broker a record goes to the journal, and from there to Kafka.
    let told = hand_over(tempdir().unwrap().path(), &[&kafka.brokers()]);
    assert!(told.starts_with("in Kafka: [") || told.starts_with("in the journal;"), "{told}");
    assert!(told.ends_with("\n0 records wait in the journal for Kafka\n"), "{told}");
    assert_eq!(kafka.count("orders"), 1);
}
