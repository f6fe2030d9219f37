//! How much Segment's clients may send at once: their documents' own limits, which the server takes to the last call and byte.
//! What is above is refused in words that say how much would be taken.

use crate::support::letters::{header, letters};
use crate::support::{Reply, Server};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LARGEST: usize = 512 * 1024;

async fn post(server: &Server, body: String) -> Reply {
    server.post_with("/v1/batch?key=pk_demo", &[("content-type", "application/json")], body).await
}

fn call(number: usize) -> String {
    format!(r#"{{"type":"track","event":"A","userId":"u","messageId":"m{number}"}}"#)
}

/// A batch of so many calls with more members before them.
fn batch(head: &str, calls: usize) -> String {
    let calls: Vec<_> = (0..calls).map(call).collect();
    format!(r#"{{{head}"batch":[{}]}}"#, calls.join(","))
}

/// The same, filled up to so many bytes by a member that the server does not read.
fn filled(bytes: usize) -> String {
    let empty = batch(r#""filling":"","#, 2_500);
    let filling = "x".repeat(bytes - empty.len());
    let body = batch(&format!(r#""filling":"{filling}","#), 2_500);
    assert_eq!(body.len(), bytes);
    body
}

fn count(reply: &Reply, name: &str) -> Value {
    reply.json()[name].clone()
}

#[tokio::test]
async fn as_many_calls_as_segment_takes_are_stored_once_each_and_one_more_is_refused() {
    let server = Server::start(&[]).await;
    let full = batch(r#""messageId":"b1","#, 2_500);
    let reply = post(&server, full.clone()).await;
    assert_eq!((reply.status.as_u16(), count(&reply, "accepted")), (200, json!(2_500)));
    let again = post(&server, full).await;
    assert_eq!((again.status.as_u16(), count(&again, "duplicate")), (200, json!(2_500)));
    let events = count(&again, "events");
    let places: Vec<_> =
        events.as_array().unwrap().iter().map(|entry| entry["index"].as_u64().unwrap()).collect();
    assert_eq!(places, (0..2_500).collect::<Vec<_>>(), "each has its entry");

    let over = post(&server, batch("", 2_501)).await;
    assert_eq!((over.status.as_u16(), over.code().as_str()), (413, "too_many_events"));
    assert_eq!(over.json()["message"], "the batch has 2501 events; at most 2500 are taken at once, split it");
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 3_000).unwrap();
    let ids: BTreeSet<_> = rows
        .iter()
        .map(|row| {
            serde_json::from_slice::<Value>(&row.payload).unwrap()["event_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((rows.len(), ids.len()), (2_500, 2_500));
}

#[tokio::test]
async fn five_hundred_kilobytes_are_taken_packed_or_not_and_what_is_above_our_own_bound_is_not() {
    let server = Server::start(&[("event_ids.rebuild", "off")]).await;
    for bytes in [500_000, 500 * 1024, LARGEST] {
        let reply = post(&server, filled(bytes)).await;
        let taken =
            [count(&reply, "accepted"), count(&reply, "duplicate")].map(|count| count.as_u64().unwrap());
        assert_eq!((reply.status.as_u16(), taken[0] + taken[1]), (200, 2_500), "{bytes}");
    }
    let over = post(&server, filled(LARGEST + 1)).await;
    assert_eq!((over.status.as_u16(), over.code().as_str()), (413, "batch_too_large"));
    // It is measured as it is unpacked.
    let headers = [("content-type", "application/json"), ("content-encoding", "zstd")];
    for (bytes, status) in [(LARGEST, 200), (LARGEST + 1, 413)] {
        let packed = zstd::encode_all(filled(bytes).as_bytes(), 1).unwrap();
        assert!(packed.len() > LARGEST / 200, "the ratio is another bound");
        let reply = server.post_with("/v1/batch?key=pk_demo", &headers, packed).await;
        assert_eq!(reply.status.as_u16(), status, "{bytes}: {}", reply.json());
    }
}

#[tokio::test]
async fn a_call_of_32_kib_is_taken_and_a_byte_more_is_that_calls_own_fault() {
    let server = Server::start(&[]).await;
    let large = |bytes: usize| {
        let empty = r#"{"type":"track","event":"A","userId":"u","properties":{"text":""}}"#;
        empty.replace(r#""text":"""#, &format!(r#""text":"{}""#, "x".repeat(bytes - empty.len())))
    };
    let fits = large(32 * 1024);
    assert_eq!(fits.len(), 32 * 1024);
    let body = format!(r#"{{"batch":[{},{},{}]}}"#, fits, large(32 * 1024 + 1), call(1));
    let reply = post(&server, body).await;
    assert_eq!((count(&reply, "accepted"), count(&reply, "invalid")), (json!(2), json!(1)));
    let entry = &reply.json()["events"][0];
    assert_eq!((&entry["index"], &entry["code"]), (&json!(1), &json!("too_large")));
    assert_eq!(entry["reason"], "the event has 32769 bytes; at most 32768 are allowed");
}

#[tokio::test]
async fn a_large_context_of_a_batch_leaves_room_for_fewer_calls() {
    let server = Server::start(&[]).await;
    // Each record repeats what is kept of it, 4 MiB of them in all.
    let context = |bytes: usize| {
        let empty = r#"{"locale":"de","campaign":{"name":""}}"#;
        let name = "x".repeat(bytes - empty.len());
        format!(r#""context":{},"#, empty.replace(r#""name":"""#, &format!(r#""name":"{name}""#)))
    };
    for (bytes, calls, most) in
        [(1_638, 2_500, None), (1_639, 2_500, Some(2_499)), (8_192, 500, None), (8_192, 501, Some(500))]
    {
        let reply = post(&server, batch(&context(bytes), calls)).await;
        match most {
            None => assert_eq!(reply.status.as_u16(), 200, "{bytes}: {}", reply.json()),
            Some(most) => {
                assert_eq!((reply.status.as_u16(), reply.code().as_str()), (413, "too_many_events"));
                let told = format!("at most {most} are taken at once");
                assert!(reply.json()["reason"].as_str().unwrap().contains(&told), "{}", reply.json());
            }
        }
    }
}

#[tokio::test]
async fn a_batch_above_its_keys_burst_is_told_to_be_split_and_not_to_wait() {
    let server =
        Server::start(&[("limits.key_events_per_second", "1"), ("limits.key_events_burst", "600")]).await;
    let over = post(&server, batch("", 601)).await;
    assert_eq!((over.status.as_u16(), over.code().as_str()), (413, "too_many_events"));
    assert_eq!(over.header("retry-after"), None);
    let fits = post(&server, batch("", 600)).await;
    assert_eq!(
        (fits.status.as_u16(), count(&fits, "accepted")),
        (200, json!(600)),
        "nothing was taken of it"
    );
    assert_eq!(post(&server, batch("", 600)).await.code(), "rate_limited");
}

#[tokio::test]
async fn a_context_that_no_record_keeps_is_not_repeated_in_hundreds_of_dead_letters_either() {
    // None of its fields is known, so no check has a word on its size.
    let said = |bytes: usize| {
        format!(r#"{{"context":{{"x":"{}"}},"batch":[{}0]}}"#, "x".repeat(bytes), "0,".repeat(499))
    };
    for (bytes, letter_bytes, omitted) in [(8_000, 8_192, None), (500_000, 100, Some("500008"))] {
        let server = Server::start(&[]).await;
        assert_eq!(count(&post(&server, said(bytes)).await, "invalid"), json!(500));
        let kept = letters(server.data_dir.path());
        assert!(!kept.is_empty());
        for letter in kept {
            assert!(letter.payload.len() < letter_bytes, "{}", letter.payload.len());
            assert_eq!(header(&letter, "omitted_context_bytes"), omitted);
        }
    }
}
