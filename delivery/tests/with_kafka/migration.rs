//! A journal of an earlier version, with rows in it, goes on under this one: the file is made as that version made it.

use std::path::Path;

use crate::support::kafka::Kafka;
use crate::support::{kafka_settings, record, wait_for, wait_for_state};
use footfall_delivery::journal::JOURNAL_FILE;
use footfall_delivery::{Delivery, KafkaState};
use rusqlite::{Connection, params};

/// The tables of version 3, as they stand in its files: before a row could name its topic.
const VERSION_3: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, appended_at_ms INTEGER NOT NULL, partition_key BLOB, headers TEXT NOT NULL,
    payload BLOB NOT NULL, checksum INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_events AS SELECT seq, headers, CAST(payload AS TEXT) AS payload FROM events;
CREATE TABLE probe (body BLOB NOT NULL) STRICT;
CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, appended_at_ms INTEGER NOT NULL, partition_key BLOB, headers TEXT NOT NULL,
    payload BLOB NOT NULL, checksum INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_dead_letters AS SELECT seq, headers, CAST(payload AS TEXT) AS payload FROM dead_letters;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, appended_at_ms INTEGER NOT NULL, partition_key BLOB,
    headers TEXT NOT NULL, payload BLOB NOT NULL, checksum INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_outbox AS
    SELECT seq, CASE stream WHEN 0 THEN 'events' ELSE 'dead_letters' END AS stream, headers,
           CAST(payload AS TEXT) AS payload
    FROM outbox;
CREATE TABLE positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, last_offset INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE damaged_rows (
    found_in TEXT NOT NULL, seq INTEGER NOT NULL, found_at_ms INTEGER NOT NULL, reason TEXT NOT NULL, partition_key ANY,
    headers ANY, payload ANY
) STRICT;
PRAGMA application_id = 0x4674466C;
PRAGMA user_version = 3;
";

const ROWS: usize = 500;
const LETTERS: usize = 20;

/// Rows as that version wrote them: a checksum over time, key, headers and payload, with their lengths.
fn version_3(path: &Path) {
    let mut connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(VERSION_3).unwrap();
    let transaction = connection.transaction().unwrap();
    for number in 0..ROWS + LETTERS {
        let record = record(number);
        let key = record.key.unwrap();
        let headers = format!(r#"{{"ce_id":"id-{number}","ce_type":"post_view"}}"#);
        let at = 1_795_000_000_000 + number as i64;
        let mut crc = crc32fast::Hasher::new();
        for part in [
            &at.to_be_bytes()[..],
            &(key.len() as u64).to_be_bytes(),
            &key,
            &(headers.len() as u64).to_be_bytes(),
            headers.as_bytes(),
            &record.payload,
        ] {
            crc.update(part);
        }
        let row = params![number >= ROWS, at, &key[..], headers, &record.payload[..], crc.finalize()];
        let sql = "INSERT INTO outbox (stream, appended_at_ms, partition_key, headers, payload, checksum)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        transaction.execute(sql, row).unwrap();
    }
    transaction.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_earlier_version_reach_kafka_in_their_order() {
    let kafka = Kafka::shared();
    for topic in ["migrated", "migrated.dead-letter"] {
        kafka.create_topic(topic, &[]).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(JOURNAL_FILE);
    version_3(&path);
    let delivery = Delivery::open(kafka_settings(directory.path(), &kafka.brokers(), "migrated")).unwrap();
    let version = |connection: &Connection| -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    let connection = Connection::open(&path).unwrap();
    assert!(version(&connection) > 3, "the file is of an earlier version still");
    let topics = "SELECT count(*) FROM readable_outbox WHERE topic IS NOT NULL";
    assert_eq!(connection.query_row(topics, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    wait_for_state(&delivery, KafkaState::Healthy).await;
    let drained = wait_for("the rows to be in Kafka", || {
        delivery.stats().kafka.filter(|kafka| kafka.waiting_rows == 0)
    })
    .await;
    assert_eq!((delivery.stats().journal.damaged_rows, drained.possible_duplicates), (0, 0));

    let number = |payload: &[u8]| -> usize {
        let text = str::from_utf8(payload).unwrap();
        text.rsplit_once(':').unwrap().1.trim_end_matches('}').parse().unwrap()
    };
    let mut seen: Vec<_> =
        kafka.all("migrated").into_iter().map(|(place, seen)| (place.partition, seen)).collect();
    for (before, after) in seen.iter().zip(&seen[1..]) {
        assert!(
            before.0 != after.0 || number(&before.1.payload) < number(&after.1.payload),
            "{before:?} {after:?}"
        );
    }
    seen.sort_by_key(|(_, seen)| number(&seen.payload));
    let expected = (0..ROWS).map(record);
    assert_eq!(seen.len(), ROWS);
    for ((_, seen), record) in seen.into_iter().zip(expected) {
        assert_eq!((seen.key.as_deref(), &seen.payload[..]), (record.key.as_deref(), &record.payload[..]));
        let headers: Vec<_> = record.headers.iter().map(|h| (h.name.to_string(), h.value.to_vec())).collect();
        assert_eq!(seen.headers, headers);
    }
    assert_eq!(kafka.count("migrated.dead-letter"), LETTERS as i64);
}
