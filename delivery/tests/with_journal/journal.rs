//! Promises of the journal, on a real disk.

use std::path::Path;
use std::time::Duration;

use crate::support::{
    DEADLINE, batch, journal, large_batch, record, wait_for, wait_until_not_ready, wait_until_ready,
};
use footfall_delivery::journal::{JOURNAL_FILE, JournalReader, JournalRow, ReadError};
use footfall_delivery::{
    Batch, CloseOutcome, Delivery, DeliveryError, DeliverySettings, Header, Headers, JournalSettings,
    OpenError, Receipt, Record, Stored,
};
use rusqlite::Connection;
use tempfile::tempdir;
use tokio::task::JoinHandle;

fn bounded(directory: &Path, max_bytes: u64, wal_max_bytes: u64) -> Delivery {
    let bounds =
        JournalSettings { max_bytes, wal_max_bytes, retention_bytes: None, ..JournalSettings::default() };
    Delivery::open(DeliverySettings { journal: bounds, ..DeliverySettings::new(directory) }).unwrap()
}

/// The journal as an operator opens it with `sqlite3`.
fn sqlite(directory: &Path) -> Connection {
    Connection::open(directory.join(JOURNAL_FILE)).unwrap()
}

fn rows(directory: &Path) -> Vec<JournalRow> {
    JournalReader::open(directory).unwrap().read_after(0, usize::MAX).unwrap()
}

fn spawn_append(delivery: &Delivery, batch: Batch) -> JoinHandle<Result<Receipt, DeliveryError>> {
    let delivery = delivery.clone();
    tokio::spawn(async move { delivery.append(batch).await })
}

async fn wait_until_held(delivery: &Delivery, records: usize) {
    wait_for("records in memory", || (delivery.stats().memory_records == records).then_some(())).await;
}

/// Fills the journal until it refuses, and gives the refusal.
async fn append_until_refused(delivery: &Delivery, bytes: usize) -> DeliveryError {
    for _ in 0..10_000 {
        if let Err(error) = delivery.append(large_batch(bytes)).await {
            return error;
        }
    }
    panic!("nothing was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_record_is_read_back_as_it_was_given_also_after_a_restart() {
    let directory = tempdir().unwrap();
    let raw = Record {
        key: None,
        headers: vec![Header::new("raw", &[0xff, 0][..]), Header::new("raw", "ü\"")].into(),
        payload: (&[0, 1, 0xfe][..]).into(),
        ..Record::default()
    };
    let records: Vec<Record> = (0..30).map(record).chain([raw]).collect();
    {
        let delivery = journal(directory.path());
        let receipt = delivery.append(Batch::new(records.clone())).await.unwrap();
        assert_eq!(receipt.stored, Stored::Journal);
        assert_eq!(rows(directory.path()).len(), 31, "readers need not wait for a close");
    }
    let delivery = journal(directory.path());
    delivery.append(batch(100..101)).await.unwrap();
    let rows = rows(directory.path());
    let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=32).collect::<Vec<i64>>());
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!((&row.key, &row.payload), (&record.key, &record.payload));
        assert_eq!(Headers::from(row.headers.clone()), record.headers);
        assert!(row.appended_at_ms > 1_600_000_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_waits_is_made_durable_by_one_commit_and_each_caller_is_answered() {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    let operator = sqlite(directory.path());
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The first group meets the operator's lock; the others gather behind it.
    let waiting: Vec<_> = (0..100).map(|n| spawn_append(&delivery, batch(n * 20..(n + 1) * 20))).collect();
    wait_until_held(&delivery, 2000).await;
    let before = delivery.stats().journal.commits;
    operator.execute_batch("COMMIT").unwrap();
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    let commits = delivery.stats().journal.commits - before;
    assert!((1..=2).contains(&commits), "{commits} commits");
    assert_eq!(rows(directory.path()).len(), 2000);
    assert_eq!(delivery.stats().memory_bytes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_and_refused_at_once_while_the_disk_is_slow() {
    let directory = tempdir().unwrap();
    let mut settings = DeliverySettings::new(directory.path());
    settings.memory_max_bytes = 1 << 20;
    let delivery = Delivery::open(settings).unwrap();
    let operator = sqlite(directory.path());
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting: Vec<_> = (0..3).map(|_| spawn_append(&delivery, large_batch(300 << 10))).collect();
    wait_until_held(&delivery, 3).await;
    let error = delivery.append(large_batch(300 << 10)).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("memory_full", Some(Duration::from_secs(1))));
    let error = delivery.append(large_batch(2 << 20)).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("batch_too_large", None), "{error}");
    assert_eq!(delivery.append(Batch::default()).await.unwrap().stored, Stored::Journal);
    operator.execute_batch("COMMIT").unwrap();
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    delivery.append(large_batch(300 << 10)).await.unwrap();
    let stats = delivery.stats();
    assert_eq!((stats.memory_bytes, stats.appended_records, stats.refused_records), (0, 4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_no_record_and_no_memory_with_it() {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    let operator = sqlite(directory.path());
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = spawn_append(&delivery, batch(0..5));
    wait_until_held(&delivery, 5).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    operator.execute_batch("COMMIT").unwrap();
    wait_until_held(&delivery, 0).await;
    assert_eq!((rows(directory.path()).len(), delivery.stats().memory_bytes), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_writes_what_was_taken_and_takes_nothing_more() {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    let operator = sqlite(directory.path());
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = spawn_append(&delivery, batch(0..5));
    wait_until_held(&delivery, 5).await;
    assert_eq!(delivery.close(Duration::ZERO), CloseOutcome::Unsettled { records: 5 });
    assert_eq!(delivery.append(batch(5..6)).await, Err(DeliveryError::Closed));
    operator.execute_batch("COMMIT").unwrap();
    let closing = delivery.clone();
    let outcome = tokio::task::spawn_blocking(move || closing.close(DEADLINE)).await.unwrap();
    assert_eq!(outcome, CloseOutcome::Drained);
    waiting.await.unwrap().unwrap();
    assert_eq!(rows(directory.path()).len(), 5);
    journal(directory.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_refuses_keeps_what_it_has_and_goes_on_when_there_is_space_again() {
    let directory = tempdir().unwrap();
    let delivery = bounded(directory.path(), 2 << 20, 4 << 20);
    let error = append_until_refused(&delivery, 20_000).await;
    assert_eq!((error.code(), error.retry_after()), ("journal_full", Some(Duration::from_secs(8))));
    assert!(error.to_string().contains("of at most 2097152 bytes"), "{error}");
    wait_until_not_ready(&delivery, "the journal is full").await;
    let kept = rows(directory.path());
    assert_eq!(kept.len() as u64, delivery.stats().appended_records);

    // A full journal is no reason not to start.
    drop(delivery);
    let delivery = bounded(directory.path(), 2 << 20, 4 << 20);
    wait_until_not_ready(&delivery, "the journal is full").await;
    assert_eq!(delivery.append(large_batch(1 << 20)).await.unwrap_err().code(), "journal_full");
    assert_eq!(rows(directory.path()), kept);

    sqlite(directory.path()).execute("DELETE FROM events WHERE seq <= 50", []).unwrap();
    wait_until_ready(&delivery).await;
    delivery.append(large_batch(20_000)).await.unwrap();
    let next = rows(directory.path()).last().unwrap().seq;
    assert_eq!(next, kept.last().unwrap().seq + 1, "a number is never used twice");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn visitors_data_is_for_its_owner_alone_and_an_existing_directory_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempdir().unwrap();
    let made = parent.path().join("made");
    let found = parent.path().join("found");
    std::fs::create_dir(&found).unwrap();
    std::fs::set_permissions(&found, PermissionsExt::from_mode(0o750)).unwrap();
    for (directory, expected) in [(&made, 0o700), (&found, 0o750)] {
        let delivery = journal(directory);
        delivery.append(batch(0..1)).await.unwrap();
        assert_eq!(mode(directory), expected);
        for file in [JOURNAL_FILE, "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"] {
            assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_commits_keep_the_write_ahead_log_short() {
    let directory = tempdir().unwrap();
    let bound = 16 << 20;
    let delivery = bounded(directory.path(), 1 << 30, bound);
    let log = directory.path().join("journal.sqlite-wal");
    let mut longest = 0;
    for number in 0..3000 {
        delivery.append(batch(number..=number)).await.unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    assert_eq!(delivery.stats().journal.commits, 3000);
    // The probe at the start and one commit of a few pages may stand above the point of folding.
    let most = bound / 16 + (256 << 10);
    assert!(longest < most, "the log of 3000 single records took {longest} bytes, not {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_cannot_make_the_write_ahead_log_grow_without_bound() {
    let directory = tempdir().unwrap();
    let bound = 2 << 20;
    let delivery = bounded(directory.path(), 1 << 30, bound);
    let log_bytes = || std::fs::metadata(directory.path().join("journal.sqlite-wal")).unwrap().len();
    delivery.append(batch(0..1)).await.unwrap();
    for _ in 0..100 {
        delivery.append(large_batch(100_000)).await.unwrap();
    }
    assert!(log_bytes() < bound, "10 MB went through a log of {}", log_bytes());

    let reader = sqlite(directory.path());
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    let error = append_until_refused(&delivery, 100_000).await;
    assert_eq!(error.code(), "journal_full");
    assert!(error.to_string().contains("a long read of the journal holds it back"), "{error}");
    assert!(log_bytes() < 2 * bound, "{}", log_bytes());
    wait_until_not_ready(&delivery, "a long read").await;

    reader.execute_batch("COMMIT").unwrap();
    wait_until_ready(&delivery).await;
    delivery.append(large_batch(100_000)).await.unwrap();
}

#[test]
fn a_second_writer_is_refused_in_words_and_a_reader_is_welcome() {
    let directory = tempdir().unwrap();
    let words = JournalReader::open(directory.path()).unwrap_err().to_string();
    assert!(words.contains("there is no journal in"), "{words}");
    let first = journal(directory.path());
    let error = Delivery::open(DeliverySettings::new(directory.path())).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains(&directory.path().display().to_string()) && words.contains("another process"));
    assert_eq!(JournalReader::open(directory.path()).unwrap().last_seq().unwrap(), 0);
    drop(first);
    journal(directory.path());
}

#[test]
fn a_file_that_is_not_our_journal_is_refused_in_words_and_left_as_it_was() {
    let refused = |make: &dyn Fn(&Path)| {
        let directory = tempdir().unwrap();
        let file = directory.path().join(JOURNAL_FILE);
        make(&file);
        let before = std::fs::read(&file).unwrap();
        let error = Delivery::open(DeliverySettings::new(directory.path())).err().unwrap();
        assert_eq!(JournalReader::open(directory.path()).unwrap_err().to_string(), error.to_string());
        assert_eq!(std::fs::read(&file).unwrap(), before);
        error
    };
    let garbage = refused(&|file| std::fs::write(file, vec![b'?'; 10_000]).unwrap());
    assert!(matches!(garbage, OpenError::NotAJournal { .. }), "{garbage}");
    let foreign = refused(&|file| {
        Connection::open(file).unwrap().execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1").unwrap();
    });
    assert!(foreign.to_string().contains("something else"), "{foreign}");
    let newer = refused(&|file| {
        drop(journal(file.parent().unwrap()));
        Connection::open(file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
    let words = newer.to_string();
    assert!(words.contains("version 99") && words.contains("knows up to 4"), "{words}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_names() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = |change: &dyn Fn(&mut DeliverySettings)| {
        let mut settings = DeliverySettings::new(directory.path());
        change(&mut settings);
        Delivery::open(settings).err().unwrap().to_string()
    };
    assert!(refused(&|s| s.memory_max_bytes = 10).contains("memory.max_bytes"));
    assert!(refused(&|s| s.journal.max_bytes = 10).contains("journal.max_bytes"));
    assert!(refused(&|s| s.journal.wal_max_bytes = 10).contains("journal.wal_max_bytes"));
    assert!(refused(&|s| s.data_dir.clone_from(&file)).contains(&file.display().to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_told_by_number_and_its_neighbours_are_still_read() {
    let directory = tempdir().unwrap();
    journal(directory.path()).append(batch(0..5)).await.unwrap();
    sqlite(directory.path()).execute("UPDATE events SET payload = x'00' WHERE seq = 3", []).unwrap();
    let reader = JournalReader::open(directory.path()).unwrap();
    let numbers = |rows: Vec<JournalRow>| rows.iter().map(|row| row.seq).collect::<Vec<i64>>();
    assert_eq!(numbers(reader.read_after(0, 10).unwrap()), [1, 2]);
    let error = reader.read_after(2, 10).unwrap_err();
    assert!(matches!(error, ReadError::DamagedRow { seq: 3, .. }), "{error}");
    assert_eq!(numbers(reader.read_after(3, 10).unwrap()), [4, 5]);
    assert_eq!(numbers(reader.read_after(3, 1).unwrap()), [4]);
    assert_eq!((reader.read_after(5, 10).unwrap(), reader.last_seq().unwrap()), (Vec::new(), 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_read_is_bounded_in_bytes() {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    for _ in 0..12 {
        delivery.append(large_batch(1 << 20)).await.unwrap();
    }
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.read_after(0, usize::MAX).unwrap().len(), 8);
    assert_eq!(reader.read_after(8, usize::MAX).unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_reads_the_journal_with_plain_sql() {
    let directory = tempdir().unwrap();
    journal(directory.path()).append(batch(0..3)).await.unwrap();
    let select = "SELECT appended_at, partition_key, headers ->> 'ce_id', payload ->> 'seq' \
                  FROM readable_events WHERE seq = 3";
    let found = sqlite(directory.path()).query_row(select, [], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, i64>(3)?,
        ))
    });
    let (at, key, id, seq) = found.unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    assert_eq!((key.as_str(), id.as_str(), seq), ("user-2", "id-2", 2));
}
