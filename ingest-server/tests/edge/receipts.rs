//! What a page is told of batches that it got no answer for, and that a batch which comes twice is stored once.

use crate::support::Server;
use crate::support::batches::{batch, new_id, now};
use crate::support::program::Program;
use footfall_delivery::journal::JournalReader;
use footfall_event_model::uuid_v7;
use serde_json::{Value, json};
use std::path::Path;

async fn metrics(server: &Server) -> String {
    String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap()
}

/// The names in the journal, in order.
fn stored(data_dir: &Path) -> Vec<String> {
    let rows = JournalReader::open(data_dir).unwrap().read_after(0, 1000).unwrap();
    let name = |payload: &[u8]| {
        serde_json::from_slice::<Value>(payload).unwrap()["event"].as_str().unwrap().to_owned()
    };
    rows.iter().map(|row| name(&row.payload)).collect()
}

#[tokio::test]
async fn a_batch_that_comes_again_is_stored_once_and_each_event_is_called_a_duplicate() {
    let server = Server::start(&[]).await;
    let body = batch("b1", &["first", "BAD", "second"], &[]);
    let told = server.post(body.clone()).await.json();
    assert_eq!(
        (&told["code"], &told["accepted"], &told["invalid"]),
        (&json!("partial"), &json!(2), &json!(1))
    );
    let again = server.post(body).await;
    let told = again.json();
    assert_eq!(again.status, 200);
    assert_eq!((&told["accepted"], &told["duplicate"], &told["invalid"]), (&json!(0), &json!(2), &json!(1)));
    assert_eq!(told["events"][0], json!({"index": 0, "event_id": "id_first", "status": "duplicate"}));
    assert_eq!(told["events"][1]["status"], "invalid", "what is wrong is told again");
    assert_eq!(told["events"][2], json!({"index": 2, "event_id": "id_second", "status": "duplicate"}));
    let told = server.post(batch("b2", &["third"], &["b1"])).await.json();
    assert_eq!((&told["code"], &told["duplicate"]), (&json!("ok"), &json!(0)));
    assert_eq!(told["receipts"], json!([{"batch_id": "b1", "status": "stored"}]));
    let told = server.post(batch("b2", &["third"], &["b1"])).await.json();
    assert_eq!((&told["code"], &told["duplicate"]), (&json!("ok"), &json!(1)));
    assert_eq!(told["receipts"][0]["status"], "stored", "a duplicate may ask too");
    assert_eq!(stored(server.data_dir.path()), ["first", "second", "third"]);
}

#[tokio::test]
async fn what_a_page_sent_before_is_stored_first_though_it_comes_later() {
    let server = Server::start(&[]).await;
    let (first, second) = (new_id(1), new_id(2));
    let late = async {
        // The second one is read by then, and waits.
        while metrics(&server).await.contains("footfall_received_bytes_total 0") {
            tokio::task::yield_now().await;
        }
        server.post(batch(&first, &["a"], &[])).await
    };
    let (later, earlier) =
        futures_util::future::join(server.post(batch(&second, &["b"], &[&first])), late).await;
    assert!(later.status == 200 && earlier.status == 200);
    assert_eq!(later.json()["receipts"][0]["status"], "stored");
    assert_eq!(stored(server.data_dir.path()), ["a", "b"]);
}

#[tokio::test]
async fn copies_that_come_at_once_are_stored_once() {
    let server = Server::start(&[]).await;
    let body = batch(&new_id(1), &["a", "b"], &[]);
    let copies = (0..20).map(|_| server.post(body.clone()));
    let replies = futures_util::future::join_all(copies).await;
    let count = |field: &str| replies.iter().map(|reply| reply.json()[field].as_u64().unwrap()).sum::<u64>();
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.code() == "ok"));
    assert_eq!((count("accepted"), count("duplicate")), (2, 38));
    assert_eq!(stored(server.data_dir.path()), ["a", "b"]);
}

#[tokio::test]
async fn ids_belong_to_their_site_and_a_batch_without_one_is_always_stored() {
    let server = Server::start_with(&[("write_key", &["pk_demo", "pk_other"])]).await;
    let body = batch("b1", &["a"], &["b1"]);
    let told = server.post(body.clone()).await.json();
    assert_eq!(told["receipts"][0]["status"], "stored", "a batch may ask for itself");
    let text = [("content-type", "text/plain")];
    let other = server.post_with("/v1/events?key=pk_other", &text, batch("b2", &["b"], &["b1"])).await.json();
    assert_eq!(other["receipts"][0]["status"], "unseen");
    assert_eq!(server.post_with("/v1/events?key=pk_other", &text, body).await.json()["accepted"], 1);
    for _ in 0..2 {
        assert_eq!(server.post(r#"{"events":[{"event":"c"}]}"#).await.json()["accepted"], 1);
    }
    assert_eq!(stored(server.data_dir.path()), ["a", "b", "a", "c", "c"]);
}

#[tokio::test]
async fn what_is_asked_for_is_stored_unseen_or_expired() {
    let before = uuid_v7(now() - 60_000, &[9; 10]);
    let server = Server::start(&[]).await;
    let (came, never) = (new_id(1), new_id(2));
    server.post(batch(&came, &["a"], &[])).await;
    let asked = [came.as_str(), &never, &before, "no time in it"];
    let told = server.post(batch(&new_id(3), &[], &asked)).await.json();
    let statuses: Vec<_> =
        told["receipts"].as_array().unwrap().iter().map(|receipt| &receipt["status"]).collect();
    assert_eq!(statuses, ["stored", "unseen", "expired", "unseen"]);
    // A sender whose clock is an hour slow made its id a minute before the server started.
    let slow = now() - 3_600_000;
    let asked = uuid_v7(slow - 60_000, &[4; 10]);
    let body = json!({"sent_at": slow, "unconfirmed": [asked], "events": []}).to_string();
    assert_eq!(server.post(body).await.json()["receipts"][0]["status"], "expired");
    let asked = uuid_v7(slow, &[5; 10]);
    let body = json!({"sent_at": slow, "unconfirmed": [asked], "events": []}).to_string();
    assert_eq!(server.post(body).await.json()["receipts"][0]["status"], "unseen");
}

#[tokio::test]
async fn a_batch_that_failed_is_unseen_and_can_be_sent_again() {
    let server = Server::start(&[("journal.max_bytes", "1MiB"), ("journal.retention_bytes", "off")]).await;
    let large = format!(
        r#"{{"events":[{}]}}"#,
        vec![format!(r#"{{"event":"fill","properties":{{"a":"{}"}}}}"#, "x".repeat(30_000)); 10].join(",")
    );
    while server.post(large.clone()).await.status == 200 {}
    let id = new_id(1);
    let failed = server.post(large.replacen('{', &format!(r#"{{"batch_id":"{id}","#), 1)).await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (503, "journal_full"));
    // A batch without events needs no room.
    let told = server.post(batch("ask", &[], &[&id])).await.json();
    assert_eq!(told["receipts"], json!([{"batch_id": id, "status": "unseen"}]));
}

#[tokio::test]
async fn a_batch_that_came_while_kafka_was_away_is_stored() {
    // Nobody listens there.
    let server = Server::start(&[("kafka.brokers", "127.0.0.1:9")]).await;
    let (id, never) = (new_id(1), new_id(2));
    assert_eq!(server.post(batch(&id, &["a"], &[])).await.status, 200);
    let told = server.post(batch("ask", &[], &[&id, &never])).await.json();
    assert_eq!(
        (&told["receipts"][0]["status"], &told["receipts"][1]["status"]),
        (&json!("stored"), &json!("unseen"))
    );
    assert!(server.data_dir.path().join("receipts/0000000001.ids").exists(), "ids are kept beside Kafka too");
}

#[tokio::test]
async fn a_full_memory_forgets_the_oldest_and_says_so() {
    let server = Server::start(&[("receipts.max_bytes", "1KiB")]).await;
    let ids: Vec<_> = (0..60).map(new_id).collect();
    for id in &ids {
        assert_eq!(server.post(batch(id, &["a"], &[])).await.status, 200);
    }
    let told = server.post(batch("ask", &[], &[&ids[0], &ids[59]])).await.json();
    assert_eq!(
        (&told["receipts"][0]["status"], &told["receipts"][1]["status"]),
        (&json!("expired"), &json!("stored"))
    );
    let text = metrics(&server).await;
    for line in [
        "footfall_batch_ids 45",
        "footfall_batch_ids_max 45",
        "footfall_batch_ids_used_bytes 990",
        "footfall_batch_ids_evicted_total 16",
        "footfall_batch_ids_on_disk 1",
        "footfall_receipts_total{status=\"expired\"} 1",
        "footfall_receipts_total{status=\"stored\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_a_sender_dropped_is_counted_once_and_within_reason() {
    let server = Server::start(&[]).await;
    let body = r#"{"batch_id":"b1","dropped":7,"events":[{"event":"a"}]}"#;
    for _ in 0..2 {
        server.post(body).await;
    }
    server.post(r#"{"dropped":4294967295,"events":[]}"#).await;
    let text = metrics(&server).await;
    for line in ["footfall_events_dropped_by_senders_total 100007", "footfall_duplicate_batches_total 1"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let told = server.post(r#"{"dropped":-1,"events":[]}"#).await.json();
    assert_eq!(told["reason"], "dropped is the number -1; it must be a whole number from 0 to 4294967295");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_ids_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    let (id, never) = (new_id(1), new_id(2));
    let body = batch(&id, &["a"], &[]);
    assert_eq!(program.post(body.clone()).await.json()["accepted"], 1);
    program.kill();

    let program = Program::start(dir.path());
    let told = program.post(batch(&new_id(3), &[], &[&id, &never])).await.json();
    assert_eq!(
        told["receipts"],
        json!([{"batch_id": id, "status": "stored"}, {"batch_id": never, "status": "unseen"}]),
        "the journal's end shows that nothing is missing"
    );
    assert_eq!(program.post(body).await.json()["duplicate"], 1);
    program.kill();
    assert_eq!(stored(dir.path()), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_missed_before_a_kill_is_read_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    let ids = [new_id(1), new_id(2)];
    let batches = [batch(&ids[0], &["a"], &[]), batch(&ids[1], &["b"], &[])];
    for batch in &batches {
        program.post(batch.clone()).await;
    }
    program.kill();
    // As if the kill had come between the journal's commit and the file: the second id is not there, the first torn.
    let file = dir.path().join("receipts/0000000001.ids");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 30]).unwrap();

    let program = Program::start(dir.path());
    for batch in batches {
        assert_eq!(program.post(batch).await.json()["duplicate"], 1);
    }
    program.kill();
    assert_eq!(stored(dir.path()).len(), 2);
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let server = Server::start(&[]).await;
    let (id, never) = (new_id(1), new_id(2));
    server.post(batch(&id, &["a"], &[])).await;
    let (ended, dir) = server.stop().await;
    ended.unwrap();
    let program = Program::start(dir.path());
    let told = program.post(batch(&id, &["a"], &[&id, &never])).await.json();
    assert_eq!(
        (&told["receipts"][0]["status"], &told["receipts"][1]["status"]),
        (&json!("stored"), &json!("unseen"))
    );
    assert_eq!(told["duplicate"], 1);
    program.kill();
}
