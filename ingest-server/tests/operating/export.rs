//! What `footfall export` writes while a server is running, read back by readers that others wrote.

use crate::support::program::{Program, footfall};
use footfall_delivery::journal::JournalReader;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

/// Whether it ended well, what it wrote, and what it said.
fn export(data_dir: &Path, more: &[&str]) -> (bool, Vec<u8>, String) {
    let mut command = footfall(&["export", "--data-dir", data_dir.to_str().unwrap()]);
    let Output { status, stdout, stderr } = command.args(more).output().unwrap();
    (status.success(), stdout, String::from_utf8(stderr).unwrap())
}

fn lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Events with everything in them that a form could break on.
const BODY: &str = r#"{"context":{"anonymous_id":"0190b2a4-7c11-7abc-9d3e-5f60718293a4"},"events":[
    {"event":"purchase","seq":7,"key_event":true,"properties":{"text":"a, \"b\"\r\n=1+1","total":1.50}},
    {"event":"post_view","user_id":"ü,\"1\""},
    {"type":"page","context":{"page":{"url":"https://forum.example/t/1","path":"/t/1","title":""}}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_form_holds_every_event_as_it_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    let reply = program.post(BODY).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["accepted"]), (200, &3.into()), "{reply:?}");

    let (fine, jsonl, said) = export(dir.path(), &[]);
    assert!(fine && said.contains("3 events exported"), "{said}");
    let stored = JournalReader::open(dir.path()).unwrap().read_after(0, 10).unwrap();
    let payloads: Vec<u8> = stored.iter().flat_map(|row| [&row.payload[..], b"\n"].concat()).collect();
    assert_eq!(jsonl, payloads);
    let records = lines(&jsonl);

    let (fine, csv, _) = export(dir.path(), &["--format", "csv"]);
    assert!(fine && csv.ends_with(b"\r\n"));
    let mut reader = csv::Reader::from_reader(&csv[..]);
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    for (row, record) in rows.iter().zip(&records) {
        for name in ["event_id", "type", "event", "user_id", "anonymous_id", "write_key"] {
            assert_eq!(row[name], record[name].as_str().unwrap_or_default(), "{name}");
        }
        assert_eq!(row["page_path"], record["page"]["path"].as_str().unwrap_or_default());
        let received: jiff::Timestamp = row["received_at"].parse().unwrap();
        assert_eq!(received.as_millisecond(), record["received_at"].as_i64().unwrap());
    }
    assert_eq!((rows[0]["seq"].as_str(), rows[0]["key_event"].as_str()), ("7", "true"));
    let properties: serde_json::Value = serde_json::from_str(&rows[0]["properties"]).unwrap();
    assert_eq!(properties, records[0]["properties"]);

    let file = dir.path().join("events.parquet");
    let (fine, nothing, said) =
        export(dir.path(), &["--format", "parquet", "--output", file.to_str().unwrap()]);
    assert!(fine && nothing.is_empty(), "{said}");
    assert!(!dir.path().join("events.parquet.partial").exists());
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    let names: Vec<_> =
        reader.metadata().file_metadata().schema().get_fields().iter().map(|f| f.name().to_owned()).collect();
    let head = csv.split(|byte| *byte == b'\r').next().unwrap();
    assert_eq!(names.join(",").as_bytes(), head, "the columns are those of CSV");
    let place = |name: &str| names.iter().position(|each| each == name).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(row.get_string(place("event_id")).unwrap(), record["event_id"].as_str().unwrap());
        let received = row.get_timestamp_millis(place("received_at")).unwrap();
        assert_eq!(received, record["received_at"].as_i64().unwrap());
    }
    assert_eq!(rows[0].get_long(place("seq")).unwrap(), 7);
    assert!(rows[0].get_bool(place("key_event")).unwrap());
    assert_eq!(rows[1].get_string(place("user_id")).unwrap(), "ü,\"1\"");
    assert!(rows[1].get_long(place("seq")).is_err(), "an event without one has none");
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_events_that_are_meant_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    for event in ["first", "second", "third"] {
        program.post(format!(r#"{{"events":[{{"event":"{event}"}},{{"event":"other"}}]}}"#)).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let stored = JournalReader::open(dir.path()).unwrap().read_after(0, 10).unwrap();
    let at = |row: usize| jiff::Timestamp::from_millisecond(stored[row].appended_at_ms).unwrap().to_string();
    let names = |more: &[&str]| {
        let (fine, bytes, said) = export(dir.path(), more);
        assert!(fine, "{said}");
        lines(&bytes).iter().map(|record| record["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--since", &at(2)]), ["second", "other", "third", "other"]);
    assert_eq!(names(&["--since", &at(2), "--until", &at(4)]), ["second", "other"]);
    assert_eq!(names(&["--until", &at(2), "--event", "first"]), ["first"]);
    assert_eq!(names(&["--since", "1h", "--event", "third"]), ["third"]);
    assert_eq!(names(&["--since", "2100-01-01"]), [""; 0]);
    assert_eq!(names(&["--until", "2000-01-01"]), [""; 0]);
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_told_and_costs_no_other_event() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    for event in ["first", "second", "third", "fourth"] {
        program.post(format!(r#"{{"events":[{{"event":"{event}"}}]}}"#)).await;
    }
    program.kill();
    let journal = rusqlite::Connection::open(dir.path().join("journal.sqlite")).unwrap();
    journal.execute("UPDATE events SET payload = x'00' WHERE seq = 2", []).unwrap();
    journal.execute("DELETE FROM events WHERE seq = 3", []).unwrap();
    let file = dir.path().join("out.csv");
    let (fine, _, said) = export(dir.path(), &["--format", "csv", "--output", file.to_str().unwrap()]);
    assert!(!fine);
    for words in
        ["row 2 of the journal", "rows 3 to 3 are not there", "2 events exported", "1 rows are left out"]
    {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    assert_eq!(csv::Reader::from_path(&file).unwrap().records().count(), 2);

    let (fine, _, said) = export(dir.path(), &["--output", "/no/such/folder/events"]);
    assert!(!fine && said.contains("/no/such/folder/events.partial"), "{said}");
    let (fine, _, said) = export(dir.path(), &["--since", "yesterday"]);
    assert!(!fine && said.contains("--since") && said.contains("such as 2h or 3d"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    let (fine, _, said) = export(empty.path(), &[]);
    assert!(!fine && said.contains("there is no journal in"), "{said}");
}
