//! What a sender may get wrong, and the status, the code and the sentence that it gets for it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use serde_json::{Value, json};
use support::Server;

/// Posts `body` and asserts status, code and the beginning of the reason.
async fn refused(server: &Server, body: impl Into<axum::body::Bytes>, status: u16, code: &str, reason: &str) {
    assert_refused(&server.post(body).await, status, code, reason);
}

fn assert_refused(reply: &support::Reply, status: u16, code: &str, reason: &str) {
    let told = reply.json();
    assert_eq!((reply.status.as_u16(), told["code"].as_str().unwrap()), (status, code), "{told}");
    assert!(told["reason"].as_str().unwrap().starts_with(reason), "{told}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_in_words() {
    let server = Server::start(&[]).await;
    refused(&server, "", 400, "empty_body", "the body is empty; send a JSON object such as {\"events\"")
        .await;
    refused(
        &server,
        "{oops",
        400,
        "not_json",
        "the body is not JSON: key must be a string at line 1 column 2",
    )
    .await;
    refused(
        &server,
        &b"{\"events\":[\"\xff\"]}"[..],
        400,
        "not_utf8",
        "the body is not UTF-8: the first wrong",
    )
    .await;
    refused(&server, "1", 400, "not_a_batch", "the body is the number 1; send a batch such as {").await;
    refused(&server, "{\"events\":5}", 400, "not_a_batch", "events is the number 5; it must be an array")
        .await;
    let reply = server.post(r#"{"sent_at":"now","batch_id":7,"events":[]}"#).await;
    assert_refused(
        &reply,
        400,
        "not_a_batch",
        "sent_at is a string; it must be a whole number of milliseconds",
    );
    assert_eq!(reply.json()["path"], "sent_at");
    assert_eq!(reply.json()["violations"][1]["path"], "batch_id", "all is told at once");
}

#[tokio::test]
async fn a_batch_above_its_limits_is_refused_as_a_whole() {
    let server = Server::start(&[]).await;
    let events = |count: usize| format!("{{\"events\":[{}]}}", vec!["{\"event\":\"a\"}"; count].join(","));
    refused(&server, events(501), 413, "too_many_events", "the batch has 501 events; at most 500 are taken")
        .await;
    assert_eq!(server.post(events(500)).await.json()["accepted"], 500);
    let long = format!("{{\"events\":[],\"pad\":\"{}\"}}", "x".repeat(512 * 1024));
    refused(&server, long, 413, "batch_too_large", "the body has more than 524288 bytes; split the batch")
        .await;
}

#[tokio::test]
async fn a_limit_of_an_event_refuses_that_event_and_its_neighbours_are_accepted() {
    let server = Server::start(&[]).await;
    let bomb = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let wide: Value = (0..257).map(|i| (format!("k{i}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let long = "x".repeat(32 * 1024);
    let body = format!(
        r#"{{"events":[{{"event":"first"}},{{"event":"post view","event_id":"e1"}},{{"event":7}},"text",
            {{"event":"a","properties":{bomb}}},{{"event":"a","properties":{wide}}},
            {{"event":"a","properties":{{"a":"{long}"}}}},{{"event":"a","user_id":"{id}"}},{{"event":"last"}}]}}"#,
        id = "u".repeat(257)
    );
    let reply = server.post(body).await;
    let told = reply.json();
    assert_eq!(reply.status, 200, "{told}");
    assert_eq!(
        (&told["code"], &told["accepted"], &told["invalid"]),
        (&json!("partial"), &json!(2), &json!(7))
    );
    let entries: Vec<_> = told["events"].as_array().unwrap().iter().collect();
    let expected = [
        (1, "bad_name", "event", "event name \"post view\" is not allowed: use a lower-case letter first"),
        (2, "wrong_type", "event", "event is the number 7; it must be a string"),
        (3, "wrong_type", "", "the event is a string; it must be an object"),
        (4, "too_deep", "properties", "properties is 5000 levels deep; at most 8 are allowed"),
        (5, "too_many_keys", "properties", "properties has 257 keys; at most 256 are allowed"),
        (6, "too_large", "", "the event has "),
        (7, "too_long", "user_id", "user_id has 257 bytes; at most 256 are allowed"),
    ];
    assert_eq!(entries.len(), expected.len());
    for (entry, (index, code, path, reason)) in entries.iter().zip(expected) {
        assert_eq!((&entry["index"], &entry["status"]), (&json!(index), &json!("invalid")));
        assert_eq!((&entry["code"], &entry["path"]), (&json!(code), &json!(path)));
        assert!(entry["reason"].as_str().unwrap().starts_with(reason), "{entry}");
    }
    assert_eq!(entries[0]["event_id"], "e1");
}

#[tokio::test]
async fn what_a_request_says_of_itself_is_judged_before_its_body() {
    let server = Server::start(&[]).await;
    let good = r#"{"events":[{"event":"a"}]}"#;
    let text = ("content-type", "text/plain");
    let form = server.post_with(
        "/v1/events?key=pk_demo",
        &[("content-type", "application/x-www-form-urlencoded")],
        good,
    );
    let words = "the content type is \"application/x-www-form-urlencoded\"; send JSON as text/plain or application/json";
    assert_refused(&form.await, 415, "unsupported_content_type", words);
    let lzma = server.post_with("/v1/events?key=pk_demo&encoding=lzma", &[text], good).await;
    assert_refused(&lzma, 415, "unsupported_encoding", "the encoding is \"lzma\"; it must be gzip, br, zstd");
    let two = server
        .post_with("/v1/events?key=pk_demo&encoding=br", &[text, ("content-encoding", "gzip")], good)
        .await;
    assert_refused(
        &two,
        415,
        "unsupported_encoding",
        "the encoding is \"gzip in the header, br in the query\"",
    );
    let packed = server.post_with("/v1/events?key=pk_demo&encoding=gzip", &[text], good).await;
    assert_refused(&packed, 400, "bad_encoding", "the body is not gzip: ");
    let urgent = server.post_with("/v1/events?key=pk_demo&priority=urgent", &[text], good).await;
    assert_refused(&urgent, 400, "bad_query", "priority is \"urgent\"; it must be key, normal or background");
    assert_refused(
        &server.post_with("/v1/events", &[text], good).await,
        401,
        "no_write_key",
        "no write key: give it",
    );
    let unknown = server.post_with("/v1/events?key=pk_other", &[text], good).await;
    assert_refused(
        &unknown,
        401,
        "unknown_write_key",
        "the write key \"pk_other\" is not known to this server",
    );
    let inside = server.post_with("/v1/events", &[text], r#"{"write_key":"pk_x","events":[]}"#).await;
    assert_refused(&inside, 401, "unknown_write_key", "the write key \"pk_x\" is not known");
    let get = support::send(server.public, "GET", "/v1/events", &[], "").await;
    assert_refused(
        &get,
        405,
        "method_not_allowed",
        "this path does not take GET; events go to POST /v1/events",
    );
    let lost = support::send(server.public, "GET", "/nothing", &[], "").await;
    assert_refused(&lost, 404, "not_found", "no such path; events go to POST /v1/events");
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_counted() {
    let server = Server::start(&[]).await;
    let told =
        server.post(r#"{"mood":1,"events":[{"event":"a","colour":2,"context":{"shoe":3}}]}"#).await.json();
    assert_eq!((&told["accepted"], &told["unknown_fields"]), (&json!(1), &json!(3)));
}
