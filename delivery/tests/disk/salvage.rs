//! A damaged journal on a disk that does not take the copy of it: nothing is moved, it says so, and once there is room the
//! copy is made.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use footfall_delivery::journal::{JOURNAL_FILE, JournalReader};
use footfall_delivery::{CloseOutcome, Delivery, DeliverySettings, JournalSettings, Readiness, Stored};
use rusqlite::Connection;
use tempfile::tempdir;

use super::io_errors::Gate;
use super::recorder::{Disk, Fault};
use super::support::kafka::Kafka;
use super::support::{
    DEADLINE, batch, journal, kafka_settings, large_batch, wait_for, wait_until_healthy,
    wait_until_not_ready, wait_until_ready,
};

const ROWS: usize = 3_000;

async fn filled(directory: &Path) {
    let delivery = journal(directory);
    for first in (0..ROWS).step_by(1_000) {
        delivery.append(batch(first..first + 1_000)).await.unwrap();
    }
}

/// Overwrites the last page of a table, on which is written next.
fn damage_last_page(directory: &Path, table: &str) {
    let path = directory.join(JOURNAL_FILE);
    let journal = Connection::open(&path).unwrap();
    journal.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let last = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path DESC LIMIT 1";
    let page: u32 = journal.query_row(last, [table], |row| row.get(0)).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all_at(&[0xa5; 4096], u64::from(page - 1) * 4096)
        .unwrap();
}

fn readable(directory: &Path) -> Vec<i64> {
    let reader = JournalReader::open(directory).unwrap();
    let (mut read, mut after) = (Vec::new(), 0);
    loop {
        match reader.read_after(after, 500) {
            Ok(rows) if rows.is_empty() => return read,
            Ok(rows) => {
                after = rows.last().unwrap().seq;
                read.extend(rows.iter().map(|row| row.seq));
            }
            Err(error) => after = error.passes_over().unwrap().0,
        }
    }
}

fn names(directory: &Path, part: &str) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains(part)).count()
}

const COPIES: [Fault; 4] = [
    Fault::WriteOfTheCopy,
    Fault::NoRoomForTheCopy(0),
    Fault::NoRoomForTheCopy(64 << 10),
    Fault::NoRoomForTheCopy(256 << 10),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_does_not_fit_leaves_the_damaged_journal_in_its_place_at_a_start() {
    for fault in COPIES {
        let directory = tempdir().unwrap();
        filled(directory.path()).await;
        damage_last_page(directory.path(), "events");
        let before = readable(directory.path());
        assert!(before.len() > 2_900);
        let disk = Disk::watch(directory.path());
        disk.refuse(Some(fault));
        let delivery = journal(directory.path());
        let reason = wait_until_refused(&delivery).await;
        assert!(reason.contains("the copy cannot be written"), "{fault:?}: {reason}");
        let error = delivery.append(batch(0..1)).await.unwrap_err();
        assert_eq!(error.code(), "journal_io");
        assert!(error.to_string().contains("the copy cannot be written"), "{error}");
        drop(delivery);
        assert_eq!(readable(directory.path()), before);
        assert_eq!((names(directory.path(), "journal.damaged"), names(directory.path(), "salvag")), (0, 0));

        disk.refuse(None);
        let delivery = journal(directory.path());
        wait_until_ready(&delivery).await;
        let damaged = delivery.stats().journal.damaged_rows as usize;
        assert_eq!((readable(directory.path()), before.len() + damaged), (before.clone(), ROWS));
        delivery.append(batch(0..1)).await.unwrap();
        assert_eq!(readable(directory.path()).last(), Some(&(ROWS as i64 + 1)));
        drop(delivery);
        disk.steps();
    }
}

async fn wait_until_refused(delivery: &Delivery) -> String {
    wait_until_not_ready(delivery, "stays where it is").await;
    match delivery.readiness() {
        Readiness::NotReady { reason } => reason,
        Readiness::Ready => panic!("it is ready"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_for_kafka_stay_where_they_are_when_their_copy_does_not_fit() {
    for fault in COPIES {
        let directory = tempdir().unwrap();
        let settings = || kafka_settings(directory.path(), "127.0.0.1:1", "away");
        let delivery = Delivery::open(settings()).unwrap();
        for first in (0..ROWS).step_by(500) {
            delivery.append(batch(first..first + 500)).await.unwrap();
        }
        drop(delivery);
        damage_last_page(directory.path(), "outbox");
        let whole = std::fs::read(directory.path().join(JOURNAL_FILE)).unwrap();
        let disk = Disk::watch(directory.path());
        disk.refuse(Some(fault));
        let error = Delivery::open(settings()).err().unwrap().to_string();
        assert!(
            error.contains("stays where it is") && error.contains("the copy cannot be written"),
            "{error}"
        );
        assert!(std::fs::read(directory.path().join(JOURNAL_FILE)).unwrap() == whole, "it was written to");
        assert_eq!((names(directory.path(), "journal.damaged"), names(directory.path(), "salvag")), (0, 0));
        disk.refuse(None);
        let delivery = Delivery::open(settings()).unwrap();
        let waiting = delivery.stats().kafka.unwrap().waiting_rows + delivery.stats().journal.damaged_rows;
        assert_eq!(waiting, ROWS as u64);
        drop(delivery);
        disk.steps();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_runs_refuses_with_the_reason_while_the_copy_does_not_fit() {
    let directory = tempdir().unwrap();
    filled(directory.path()).await;
    let disk = Disk::watch(directory.path());
    let delivery = journal(directory.path());
    delivery.append(batch(0..1)).await.unwrap();
    damage_last_page(directory.path(), "events");
    let before = readable(directory.path());
    disk.refuse(Some(Fault::NoRoomForTheCopy(64 << 10)));
    // Somebody else's write has the writer read its pages again.
    let other = Connection::open(directory.path().join(JOURNAL_FILE)).unwrap();
    other.execute_batch("INSERT INTO probe VALUES (x'00'); DELETE FROM probe;").unwrap();
    drop(other);
    for _ in 0..3 {
        let error = delivery.append(batch(0..1)).await.unwrap_err();
        assert_eq!(error.code(), "journal_io");
        assert!(error.to_string().contains("the copy cannot be written"), "{error}");
    }
    assert_eq!(readable(directory.path()), before);
    assert_eq!((names(directory.path(), "journal.damaged"), names(directory.path(), "salvag")), (0, 0));
    drop(delivery);
    disk.refuse(None);
    let delivery = journal(directory.path());
    wait_until_ready(&delivery).await;
    assert_eq!(readable(directory.path()), before);
    assert_eq!(names(directory.path(), "journal.damaged"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_that_was_lowered_below_what_the_journal_holds_costs_no_row() {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    for _ in 0..1_000 {
        delivery.append(large_batch(3_000)).await.unwrap();
    }
    drop(delivery);
    damage_last_page(directory.path(), "events");
    let before = readable(directory.path());
    let lowered = JournalSettings { max_bytes: 1 << 20, retention_bytes: None, ..JournalSettings::default() };
    let settings = DeliverySettings { journal: lowered, ..DeliverySettings::new(directory.path()) };
    let delivery = Delivery::open(settings).unwrap();
    assert_eq!(names(directory.path(), "journal.damaged"), 1);
    assert_eq!(readable(directory.path()), before);
    assert_eq!(delivery.stats().journal.damaged_rows as usize, 1_000 - before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_one_row_costs_no_other_in_a_copy() {
    let directory = tempdir().unwrap();
    let settings = || kafka_settings(directory.path(), "127.0.0.1:1", "away");
    let delivery = Delivery::open(settings()).unwrap();
    delivery.append(batch(0..500)).await.unwrap();
    drop(delivery);
    let journal = || Connection::open(directory.path().join(JOURNAL_FILE)).unwrap();
    let wrong =
        "UPDATE outbox SET stream = 7 WHERE seq = 5; UPDATE outbox SET payload = x'00' WHERE seq = 9;";
    journal().execute_batch(wrong).unwrap();
    damage_last_page(directory.path(), "outbox");
    let delivery = Delivery::open(settings()).unwrap();
    let (waiting, damaged) =
        (delivery.stats().kafka.unwrap().waiting_rows, delivery.stats().journal.damaged_rows);
    assert_eq!(waiting + damaged, 500);
    assert!((3..100).contains(&damaged), "{damaged}");
    drop(delivery);
    let journal = journal();
    let mut select = journal.prepare("SELECT seq, reason FROM damaged_rows ORDER BY seq").unwrap();
    let aside = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
    let aside: Vec<(i64, String)> = aside.map(Result::unwrap).collect();
    assert_eq!((aside.len(), aside[0].0, aside[1].0), (2, 5, 9), "{aside:?}");
    assert!(aside[0].1.contains("stream") && aside[1].1.contains("checksum"), "{aside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_rows_for_kafka_are_written_to_next_is_mended_while_the_server_runs() {
    let kafka = Kafka::start();
    kafka.create_topic("mended", &[]).await;
    let directory = tempdir().unwrap();
    let gate = Gate::closed();
    let delivery = Delivery::open(kafka_settings(directory.path(), &gate.brokers(), "mended")).unwrap();
    for first in (0..ROWS).step_by(500) {
        delivery.append(batch(first..first + 500)).await.unwrap();
    }
    damage_last_page(directory.path(), "outbox");
    let other = Connection::open(directory.path().join(JOURNAL_FILE)).unwrap();
    other.execute_batch("INSERT INTO probe VALUES (x'00'); DELETE FROM probe;").unwrap();
    drop(other);
    let receipt = delivery.append(batch(ROWS..ROWS + 10)).await.unwrap();
    assert_eq!((receipt.stored, names(directory.path(), "journal.damaged")), (Stored::Journal, 1));
    let lost = delivery.stats().journal.damaged_rows as usize;
    assert!((1..200).contains(&lost), "{lost}");
    gate.open_to(kafka.port());
    wait_until_healthy(&delivery).await;
    wait_for("the rows to be in Kafka", || delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0))
        .await;
    assert_eq!(kafka.count("mended") as usize, ROWS + 10 - lost);
    assert_eq!(delivery.stats().journal.damaged_rows as usize, lost, "what is lost is told once");
}

/// The page is found damaged only when its neighbours are emptied.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_kafka_has_and_that_cannot_be_deleted_stop_nothing_and_are_not_sent_again() {
    let mut kafka = Kafka::start();
    for topic in ["undeleted", "undeleted.dead-letter"] {
        kafka.create_topic(topic, &[]).await;
    }
    let directory = tempdir().unwrap();
    let gate = Gate::closed();
    let delivery = Delivery::open(kafka_settings(directory.path(), &gate.brokers(), "undeleted")).unwrap();
    for first in (0..ROWS).step_by(500) {
        delivery.append(batch(first..first + 500)).await.unwrap();
    }
    let path = directory.path().join(JOURNAL_FILE);
    let other = Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let middle = "SELECT pageno FROM dbstat WHERE name = 'outbox' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 20";
    let page: u32 = other.query_row(middle, [], |row| row.get(0)).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xa5; 4096], u64::from(page - 1) * 4096).unwrap();
    other.execute_batch("INSERT INTO probe VALUES (x'00'); DELETE FROM probe;").unwrap();
    drop(other);
    gate.open_to(kafka.port());
    wait_for("the rows to be in Kafka", || delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0))
        .await;
    let lost = delivery.stats().journal.damaged_rows as i64;
    assert!((1..200).contains(&lost), "{lost}");
    // Written to the journal or sent, as the state has it; either way Kafka gets it.
    delivery.append(batch(ROWS..ROWS + 10)).await.unwrap();
    let expected = ROWS as i64 + 10 - lost;
    wait_for("what is new", || (kafka.count("undeleted") >= expected).then_some(())).await;
    // With Kafka away they are written to the journal, which is not kept from it by what cannot be deleted.
    kafka.kill();
    for number in ROWS + 10..ROWS + 15 {
        delivery.append(batch(number..=number)).await.unwrap();
    }
    kafka.start_again();
    let expected = expected + 5;
    wait_for("what was kept meanwhile", || (kafka.count("undeleted") >= expected).then_some(())).await;
    wait_until_ready(&delivery).await;
    let closed = tokio::task::spawn_blocking(move || delivery.close(DEADLINE)).await.unwrap();
    assert_eq!(closed, CloseOutcome::Drained);
    let first = "SELECT count(*) FROM (SELECT seq FROM outbox ORDER BY seq LIMIT 10)";
    let left: i64 = Connection::open(&path).unwrap().query_row(first, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 10, "rows could be deleted, so that nothing was shown");
    let taken = kafka.count("undeleted");
    assert_eq!(taken, expected);
    let delivery = wait_for("the directory", || {
        Delivery::open(kafka_settings(directory.path(), &kafka.brokers(), "undeleted")).ok()
    })
    .await;
    wait_for("the rows to be looked for", || delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0))
        .await;
    delivery.append(batch(ROWS + 10..ROWS + 20)).await.unwrap();
    wait_for("what is newer", || (kafka.count("undeleted") >= taken + 10).then_some(())).await;
    wait_for("the state", || delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0)).await;
    assert_eq!(kafka.count("undeleted"), taken + 10, "rows were sent again");
    assert_eq!(names(directory.path(), "journal.damaged"), 1);
}
