//! Dead letters in the journal: apart from the events, and within their share.

use crate::support::{DEADLINE, batch, journal, record};
use footfall_delivery::journal::JournalReader;
use footfall_delivery::{Batch, CloseOutcome, Delivery, DeliverySettings, Headers, Record};

fn numbered(number: usize, bytes: usize) -> Record {
    let payload = format!("{number:06}{}", "x".repeat(bytes));
    Record { payload: payload.into(), ..Record::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_stand_apart_from_events_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let delivery = journal(directory.path());
        let letters = Batch::dead_letters(vec![record(1), record(2)]);
        let (events, letters) = tokio::join!(delivery.append(batch(0..3)), delivery.append(letters));
        assert!(events.is_ok() && letters.is_ok());
        assert_eq!(delivery.close(DEADLINE), CloseOutcome::Drained);
    }
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.read_after(0, 100).unwrap().len(), 6);
    let letters = reader.read_dead_letters_after(1, 100).unwrap();
    assert_eq!(letters.iter().map(|row| row.seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(letters[0].payload, record(2).payload);
    assert_eq!(Headers::from(letters[0].headers.clone()), record(2).headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_dead_letters_go_at_their_share_of_the_journal_and_events_stay() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = DeliverySettings::new(directory.path());
    settings.journal.max_bytes = 4 << 20;
    let share = settings.journal.dead_letter_max_bytes() as usize;
    for start in [0, 1000] {
        let delivery = Delivery::open(settings.clone()).unwrap();
        delivery.append(batch(0..5)).await.unwrap();
        for number in start..start + 1000 {
            delivery.append(Batch::dead_letters(vec![numbered(number, 1000)])).await.unwrap();
        }
        assert_eq!(delivery.close(DEADLINE), CloseOutcome::Drained);
    }
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.read_after(0, 100).unwrap().len(), 10);
    let kept = reader.read_dead_letters_after(0, 10_000).unwrap();
    let bytes: usize = kept.iter().map(|row| row.payload.len() + "{}".len()).sum();
    assert!(bytes <= share && bytes > share / 2, "{bytes} of {share}");
    assert!(kept.last().unwrap().payload.starts_with(b"001999"), "the newest stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_an_older_version_gets_the_new_tables_and_keeps_its_events() {
    let directory = tempfile::tempdir().unwrap();
    let delivery = journal(directory.path());
    delivery.append(batch(0..3)).await.unwrap();
    assert_eq!(delivery.close(DEADLINE), CloseOutcome::Drained);
    drop(delivery);
    // As the first version has left it.
    let file = rusqlite::Connection::open(directory.path().join("journal.sqlite")).unwrap();
    file.execute_batch(BACK_TO_VERSION_2).unwrap();
    file.execute_batch("DROP VIEW readable_dead_letters; DROP TABLE dead_letters; PRAGMA user_version = 1")
        .unwrap();
    drop(file);
    assert!(JournalReader::open(directory.path()).unwrap().read_dead_letters_after(0, 9).unwrap().is_empty());
    let delivery = journal(directory.path());
    delivery.append(Batch::dead_letters(vec![record(7)])).await.unwrap();
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.read_dead_letters_after(0, 9).unwrap()[0].payload, record(7).payload);
    assert_eq!(reader.read_after(0, 9).unwrap().len(), 3);
    assert_eq!(delivery.close(DEADLINE), CloseOutcome::Drained);
    drop(delivery);
    // And the version before this one.
    let file = rusqlite::Connection::open(directory.path().join("journal.sqlite")).unwrap();
    file.execute_batch(BACK_TO_VERSION_2).unwrap();
    let delivery = journal(directory.path());
    delivery.append(batch(3..4)).await.unwrap();
    assert_eq!(reader.read_after(0, 9).unwrap().len(), 4);
    let waiting: i64 = file.query_row("SELECT count(*) FROM readable_outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0);
}

const BACK_TO_VERSION_2: &str = "DROP VIEW readable_outbox; DROP TABLE outbox; DROP TABLE positions;
    DROP TABLE damaged_rows; PRAGMA user_version = 2";
