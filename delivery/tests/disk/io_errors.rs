//! Writes, fsyncs and reads of the journal fail for a while: it says so, acknowledges nothing that it does not have, and goes
//! on by itself afterwards.

use std::net::{TcpListener, TcpStream};
use std::path::Path;

use footfall_delivery::journal::{JOURNAL_FILE, JournalReader};
use footfall_delivery::{CloseOutcome, Delivery, DeliverySettings, Readiness, RecentLimits, read_recent};
use rusqlite::Connection;
use tempfile::tempdir;

use super::recorder::{Disk, Fault};
use super::support::kafka::Kafka;
use super::support::{
    DEADLINE, batch, journal, kafka_settings, wait_for, wait_until_not_ready, wait_until_ready,
};

fn ids(directory: &Path) -> Vec<String> {
    let rows = JournalReader::open(directory).unwrap().read_after(0, usize::MAX).unwrap();
    rows.iter().map(|row| String::from_utf8(row.headers[0].value.to_vec()).unwrap()).collect()
}

async fn refuses_and_recovers(fault: Fault, call: &str) {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let delivery = journal(directory.path());
    let mut acknowledged = Vec::new();
    for number in 0..50 {
        delivery.append(batch(number..=number)).await.unwrap();
        acknowledged.push(format!("id-{number}"));
    }
    assert_eq!(delivery.readiness(), Readiness::Ready);

    disk.refuse(Some(fault));
    for number in 50..53 {
        let error = delivery.append(batch(number..=number)).await.unwrap_err();
        println!("{fault:?}: {error}");
        assert_eq!(error.code(), "journal_io");
        assert!(
            error.to_string().ends_with(&format!("disk I/O error ({call})")),
            "no cause is named: {error}"
        );
        assert!(error.retry_after().is_some());
    }
    wait_until_not_ready(&delivery, "the journal cannot be written: disk I/O error").await;
    assert_eq!(ids(directory.path()), acknowledged, "what was refused is read all the same");

    disk.refuse(None);
    wait_until_ready(&delivery).await;
    for number in 53..60 {
        delivery.append(batch(number..=number)).await.unwrap();
        acknowledged.push(format!("id-{number}"));
    }
    assert_eq!(ids(directory.path()), acknowledged);
    drop(delivery);
    let delivery = journal(directory.path());
    assert_eq!(delivery.readiness(), Readiness::Ready);
    assert_eq!(ids(directory.path()), acknowledged, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_are_told_in_words_and_over_without_a_restart() {
    refuses_and_recovers(Fault::Write, "write").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fsyncs_that_fail_are_told_in_words_and_over_without_a_restart() {
    refuses_and_recovers(Fault::Sync, "fsync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_folded_into_the_file_loses_nothing_and_is_told_at_its_bound() {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let mut settings = DeliverySettings::new(directory.path());
    settings.journal.wal_max_bytes = 1 << 20;
    let delivery = Delivery::open(settings).unwrap();
    let mut taken = 0;
    disk.refuse(Some(Fault::SyncOfTheFile));
    let refused = loop {
        match delivery.append(batch(taken..taken + 20)).await {
            Ok(_) => taken += 20,
            Err(error) => break error,
        }
        assert!(taken < 20_000, "a log that is never folded has no bound");
    };
    println!("after {taken}: {refused}");
    assert_eq!(refused.code(), "journal_io");
    assert!(refused.to_string().contains("cannot be folded into its file: disk I/O error"), "{refused}");
    wait_until_not_ready(&delivery, "cannot be folded").await;
    assert!(taken > 200, "it was refused long before the bound, after {taken}");
    disk.refuse(None);
    wait_until_ready(&delivery).await;
    delivery.append(batch(taken..taken + 20)).await.unwrap();
    let expected: Vec<String> = (0..taken + 20).map(|number| format!("id-{number}")).collect();
    assert_eq!(ids(directory.path()), expected);
    let check = Connection::open(directory.path().join(JOURNAL_FILE)).unwrap();
    let words: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(words, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_fail_are_told_and_nothing_is_taken_for_damaged() {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let delivery = journal(directory.path());
    delivery.append(batch(0..500)).await.unwrap();
    let reader = JournalReader::open(directory.path()).unwrap();
    disk.refuse(Some(Fault::Read));
    let error = reader.read_after(0, 10).unwrap_err().to_string();
    assert!(error.contains("cannot read the journal") && error.contains("disk I/O error (read)"), "{error}");
    let limits = RecentLimits { since_ms: 0, max_records: 1_000, max_time: DEADLINE };
    let recent = read_recent(&DeliverySettings::new(directory.path()), ["ce_id"], limits, |_, _| ());
    assert_eq!((recent.records, recent.left_out.len()), (0, 2), "{recent:?}");
    disk.refuse(None);
    assert_eq!(reader.read_after(0, 1_000).unwrap().len(), 500, "the same reader goes on");
    delivery.append(batch(500..501)).await.unwrap();
    drop(delivery);

    // A start that cannot read says so, and leaves the file as it is for the next one.
    disk.refuse(Some(Fault::Read));
    let error = Delivery::open(DeliverySettings::new(directory.path())).err().unwrap().to_string();
    assert!(error.contains("cannot open the journal") && error.contains("disk I/O error"), "{error}");
    disk.refuse(None);
    drop(journal(directory.path()));
    assert_eq!(ids(directory.path()).len(), 501);
    let names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("damaged")), "{names:?}");
}

/// A port behind which Kafka stands once it is opened; connections before that wait.
pub(crate) struct Gate(TcpListener);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn brokers(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Serves the first answers, in which Kafka names its own port.
    pub(crate) fn open_to(self, port: u16) {
        std::thread::spawn(move || {
            for client in self.0.incoming() {
                // A broker that is down has the client try again.
                let (Ok(client), Ok(kafka)) = (client, TcpStream::connect(("127.0.0.1", port))) else {
                    continue;
                };
                let pairs = [(client.try_clone().unwrap(), kafka.try_clone().unwrap()), (kafka, client)];
                for (mut from, mut to) in pairs {
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
            }
        });
    }
}

/// The drain tries again, a second apart, and every row reaches Kafka once.
#[tokio::test(flavor = "multi_thread")]
async fn the_drain_waits_for_a_disk_that_cannot_be_read() {
    let kafka = Kafka::shared();
    for topic in ["unread", "unread.dead-letter"] {
        kafka.create_topic(topic, &[]).await;
    }
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let away = Delivery::open(kafka_settings(directory.path(), "127.0.0.1:1", "unread")).unwrap();
    away.append(batch(0..200)).await.unwrap();
    let closed = tokio::task::spawn_blocking(move || away.close(DEADLINE)).await.unwrap();
    assert_eq!(closed, CloseOutcome::Drained);

    // The disk refuses before anything answers where Kafka is said to be.
    let gate = Gate::closed();
    let delivery = wait_for("the directory", || {
        Delivery::open(kafka_settings(directory.path(), &gate.brokers(), "unread")).ok()
    })
    .await;
    disk.refuse(Some(Fault::Read));
    gate.open_to(kafka.port());
    // Kafka is there, and the rows cannot be read.
    wait_for("a read that was refused", || (disk.refused_reads() > 2).then_some(())).await;
    assert_eq!(delivery.stats().kafka.unwrap().waiting_rows, 200);
    disk.refuse(None);
    let none_wait = || delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0);
    wait_for("the rows to be in Kafka", none_wait).await;
    assert_eq!((delivery.stats().journal.damaged_rows, kafka.count("unread")), (0, 200));
}
