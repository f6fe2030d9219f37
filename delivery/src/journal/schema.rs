//! The journal's tables, and whether a file that was found is one of ours.
//! Rows are written and read elsewhere.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::words::in_words;
use crate::error::OpenError;

/// The schema that this version writes; it stands in the file as `PRAGMA user_version`.
pub(super) const SCHEMA_VERSION: i64 = 4;

/// Marks the file as ours (`PRAGMA application_id`): "FtFl" in ASCII.
const APPLICATION_ID: i64 = 0x4674_466C;

const VERSION_1: &str = "
CREATE TABLE events (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    appended_at_ms INTEGER NOT NULL,
    partition_key  BLOB,
    headers        TEXT    NOT NULL,
    payload        BLOB    NOT NULL,
    checksum       INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_events AS
    SELECT seq,
           strftime('%Y-%m-%dT%H:%M:%fZ', appended_at_ms / 1000.0, 'unixepoch') AS appended_at,
           CAST(partition_key AS TEXT) AS partition_key,
           headers,
           CAST(payload AS TEXT) AS payload
    FROM events;
-- Written and emptied while the disk or the cap refuses appends, to learn whether it takes them again.
CREATE TABLE probe (body BLOB NOT NULL) STRICT;
";

/// Dead letters stand apart, so that whoever reads events need not know of them.
const VERSION_2: &str = "
CREATE TABLE dead_letters (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    appended_at_ms INTEGER NOT NULL,
    partition_key  BLOB,
    headers        TEXT    NOT NULL,
    payload        BLOB    NOT NULL,
    checksum       INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_dead_letters AS
    SELECT seq,
           strftime('%Y-%m-%dT%H:%M:%fZ', appended_at_ms / 1000.0, 'unixepoch') AS appended_at,
           headers,
           CAST(payload AS TEXT) AS payload
    FROM dead_letters;
";

/// The rows on their way to Kafka stand apart from those that stay.
const VERSION_3: &str = "
CREATE TABLE outbox (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 0: events, 1: dead letters
    stream         INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL,
    partition_key  BLOB,
    headers        TEXT    NOT NULL,
    payload        BLOB    NOT NULL,
    checksum       INTEGER NOT NULL
) STRICT;
CREATE VIEW readable_outbox AS
    SELECT seq,
           CASE stream WHEN 0 THEN 'events' ELSE 'dead_letters' END AS stream,
           strftime('%Y-%m-%dT%H:%M:%fZ', appended_at_ms / 1000.0, 'unixepoch') AS appended_at,
           CAST(partition_key AS TEXT) AS partition_key,
           headers,
           CAST(payload AS TEXT) AS payload
    FROM outbox;
-- The last offset that Kafka acknowledged: no row of the outbox stands in the topic at it or before.
CREATE TABLE positions (
    topic       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
-- Rows that did not fit their checksum, as they were found.
CREATE TABLE damaged_rows (
    found_in      TEXT    NOT NULL,
    seq           INTEGER NOT NULL,
    found_at_ms   INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    partition_key ANY,
    headers       ANY,
    payload       ANY
) STRICT;
";

/// A row may name the topic that it goes to; without it that of its stream.
const VERSION_4: &str = "
ALTER TABLE outbox ADD COLUMN topic TEXT;
DROP VIEW readable_outbox;
CREATE VIEW readable_outbox AS
    SELECT seq,
           CASE stream WHEN 0 THEN 'events' ELSE 'dead_letters' END AS stream,
           strftime('%Y-%m-%dT%H:%M:%fZ', appended_at_ms / 1000.0, 'unixepoch') AS appended_at,
           CAST(partition_key AS TEXT) AS partition_key,
           headers,
           CAST(payload AS TEXT) AS payload,
           topic
    FROM outbox;
";

/// Makes the tables in an empty file, and those that are new in an older one; refuses one that is not ours or is newer.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    match found_version(connection, path)? {
        SCHEMA_VERSION => Ok(()),
        found => {
            let steps = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];
            let done = usize::try_from(found).unwrap_or_default();
            migrate(connection, &steps[done..]).map_err(|error| open_error(path, &error))
        }
    }
}

/// The schema version in the file: 0 for an empty file, at most [`SCHEMA_VERSION`].
pub(super) fn found_version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let query = || -> rusqlite::Result<(i64, i64, i64)> {
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((read("user_version")?, read("application_id")?, tables))
    };
    let (version, application, tables) = query().map_err(|error| open_error(path, &error))?;
    match (version, application, tables) {
        (0, 0, 0) => Ok(0),
        (version, APPLICATION_ID, _) if version > SCHEMA_VERSION => {
            Err(OpenError::NewerJournal { path: path.to_owned(), found: version, known: SCHEMA_VERSION })
        }
        (version @ 1.., APPLICATION_ID, _) => Ok(version),
        _ => Err(OpenError::NotAJournal {
            path: path.to_owned(),
            reason: "it is an SQLite database of something else".to_owned(),
        }),
    }
}

fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// SQLite's words, sorted into "not a journal" and everything else.
pub(super) fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let reason = in_words(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotAJournal { path, reason },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::DamagedJournal { path, reason },
        _ => OpenError::Journal { path, reason },
    }
}
