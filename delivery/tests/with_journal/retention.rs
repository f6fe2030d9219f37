//! Promises of retention, where the journal is the store.

use std::path::Path;
use std::time::Duration;

use crate::support::{DEADLINE, batch, kafka_settings, large_batch, wait_for};
use footfall_delivery::journal::{JOURNAL_FILE, JournalReader, JournalRow};
use footfall_delivery::{CloseOutcome, Delivery, DeliverySettings, JournalSettings};
use rusqlite::Connection;
use tempfile::tempdir;

const MIB: u64 = 1 << 20;

fn store(directory: &Path, journal: JournalSettings) -> Delivery {
    Delivery::open(DeliverySettings { journal, ..DeliverySettings::new(directory) }).unwrap()
}

fn rows(directory: &Path) -> Vec<JournalRow> {
    JournalReader::open(directory).unwrap().read_after(0, usize::MAX).unwrap()
}

fn count(directory: &Path, table: &str) -> i64 {
    let journal = Connection::open(directory.join(JOURNAL_FILE)).unwrap();
    journal.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_events_are_taken_and_the_oldest_go_first_where_the_bytes_are_used_up() {
    let directory = tempdir().unwrap();
    let bound = JournalSettings { max_bytes: 8 * MIB, ..JournalSettings::default() };
    let delivery = store(directory.path(), bound);
    let mut taken = 0;
    for _ in 0..300 {
        delivery.append(large_batch(100_000)).await.unwrap();
        taken += 1;
        assert!(delivery.stats().journal.used_bytes <= 8 * MIB);
    }
    // Down to the bound, nine tenths of the file.
    let at_bound = || (delivery.stats().journal.used_bytes <= 8 * MIB / 10 * 9).then_some(());
    wait_for("the bound", at_bound).await;
    let kept = rows(directory.path());
    let numbers: Vec<i64> = kept.iter().map(|row| row.seq).collect();
    let first = numbers[0];
    assert_eq!(numbers, (first..=taken).collect::<Vec<_>>(), "no hole, and the newest are there");
    assert!(kept.len() >= 40, "{} of some 75 that fit are kept", kept.len());
    assert_eq!(delivery.stats().journal.expired_rows, first.unsigned_abs() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_by_age_in_steps_that_let_appends_pass() {
    let directory = tempdir().unwrap();
    let keep = JournalSettings { retention_age: None, ..JournalSettings::default() };
    let delivery = store(directory.path(), keep.clone());
    for number in 0..40 {
        delivery.append(batch(number * 1000..(number + 1) * 1000)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(count(directory.path(), "events"), 40_000, "for ever where no age is set");
    drop(delivery);

    let second = Duration::from_secs(1);
    let delivery = store(directory.path(), JournalSettings { retention_age: Some(second), ..keep });
    delivery.append(batch(0..1)).await.unwrap();
    let left = count(directory.path(), "events");
    assert!(left > 1, "an append waited until all that is old was deleted");
    let gone = || (delivery.stats().journal.expired_rows == 40_001).then_some(());
    wait_for("the old events to go", gone).await;
    assert_eq!(rows(directory.path()), []);
    // What is young stays.
    delivery.append(batch(0..5)).await.unwrap();
    assert_eq!(
        rows(directory.path()).iter().map(|row| row.seq).collect::<Vec<_>>(),
        [40_002, 40_003, 40_004, 40_005, 40_006]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_for_kafka_are_never_given_up_and_leave_events_a_share() {
    let directory = tempdir().unwrap();
    let away = kafka_settings(directory.path(), "127.0.0.1:1", "footfall.events");
    let delivery = Delivery::open(away).unwrap();
    for _ in 0..60 {
        delivery.append(large_batch(100_000)).await.unwrap();
    }
    let closing = delivery.clone();
    let closed = tokio::task::spawn_blocking(move || closing.close(DEADLINE)).await.unwrap();
    assert_eq!(closed, CloseOutcome::Drained);
    drop(delivery);
    assert_eq!(count(directory.path(), "outbox"), 60);

    // Kafka was taken out of the settings: 6 MB of 8 MiB are for it, also where it stays away for ever.
    let age = Some(Duration::from_secs(1));
    let bound = JournalSettings { max_bytes: 8 * MIB, retention_age: age, ..JournalSettings::default() };
    let delivery = store(directory.path(), bound.clone());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(delivery);
    let delivery = store(directory.path(), JournalSettings { retention_age: None, ..bound });
    for _ in 0..100 {
        delivery.append(large_batch(100_000)).await.unwrap();
    }
    assert_eq!(count(directory.path(), "outbox"), 60);
    let kept = rows(directory.path()).len();
    assert!((5..30).contains(&kept), "{kept} events are kept beside them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_keeps_everything_refuses_when_it_is_full() {
    let directory = tempdir().unwrap();
    let bound = JournalSettings { max_bytes: 2 * MIB, retention_bytes: None, ..JournalSettings::default() };
    let delivery = store(directory.path(), bound);
    let mut taken = 0;
    let refused = loop {
        match delivery.append(large_batch(50_000)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "5 MB fit into 2 MiB");
    };
    assert_eq!(refused.code(), "journal_full");
    assert_eq!(rows(directory.path()).len(), taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_can_never_fit_pushes_nothing_out() {
    let directory = tempdir().unwrap();
    let bound = JournalSettings { max_bytes: 2 * MIB, ..JournalSettings::default() };
    let delivery = store(directory.path(), bound);
    delivery.append(batch(0..100)).await.unwrap();
    assert_eq!(delivery.append(large_batch(3 << 20)).await.unwrap_err().code(), "journal_full");
    assert_eq!(rows(directory.path()).len(), 100);
}
