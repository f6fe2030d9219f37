//! The promises of the HTTP edge to those who send: durable before 200, readable by every page. Its bounds are
//! tested in `bounds`.

use crate::support::{Server, send};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: (&str, &str) = ("content-type", "text/plain");

/// The records in the journal, with their keys and headers.
fn journal(data_dir: &Path) -> Vec<(Option<String>, serde_json::Map<String, Value>, Value)> {
    let rows = JournalReader::open(data_dir).unwrap().read_after(0, 1000).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    rows.into_iter()
        .map(|row| {
            let headers = row.headers.iter().map(|h| (h.name.to_string(), json!(text(&h.value)))).collect();
            (row.key.map(|key| text(&key)), headers, serde_json::from_slice(&row.payload).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn an_acknowledged_event_is_in_the_journal_with_all_that_the_server_knows() {
    let server = Server::start(&[]).await;
    let body = r#"{"sent_at":1795458876617,"batch_id":"b1","context":{"anonymous_id":"a1","session_id":"s1",
        "user_signature":"secret","page_view_id":"p1","page":{"path":"/t/x"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},"events":[
        {"event_id":"e1","event":"post_view","timestamp":1795458876500,"seq":17,"properties":{"post_id": 42}},
        {"type":"page","user_id":"u1","context":{"page":{"path":"/t/y"}}}]}"#;
    let path = "/v1/events?key=pk_demo&receipt=offsets";
    let told = server.post_with(path, &[TEXT, ("user-agent", "Agent/1")], body).await.json();
    assert_eq!(
        told,
        json!({"code":"ok","accepted":2,"duplicate":0,"invalid":0,"dropped":0,"retry":0,
        "unknown_fields":0,"stored":"journal"})
    );

    let records = journal(server.data_dir.path());
    let (key, headers, first) = &records[0];
    assert_eq!(key.as_deref(), Some("a1"));
    let received_at = first["received_at"].as_i64().unwrap();
    assert!(received_at > 1_700_000_000_000);
    assert_eq!(
        *first,
        json!({"schema_version":1,"event_id":"e1","type":"track","event":"post_view",
        "timestamp":received_at - 117,"original_timestamp":1795458876500_i64,
        "clock_skew_ms":received_at - 1795458876617_i64,"sent_at":1795458876617_i64,"received_at":received_at,"seq":17,
        "write_key":"pk_demo","batch_id":"b1","anonymous_id":"a1","session_id":"s1","page_view_id":"p1",
        "properties":{"post_id":42},"context":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        "client":{"address":"127.0.0.0","address_policy":"truncate"},"user_agent":{"original":"Agent/1","device":"other","bot":false},
        "page":{"path":"/t/x"},"referrer":{"class":"direct"}})
    );
    let happened = UNIX_EPOCH + Duration::from_millis((received_at - 117).unsigned_abs());
    let ce_time = humantime::format_rfc3339_millis(happened).to_string();
    assert_eq!(
        Value::from(headers.clone()),
        json!({"ce_id":"e1","ce_type":"footfall.track.post_view",
        "ce_time":ce_time,"ce_specversion":"1.0","ce_source":"/sites/pk_demo",
        "content-type":"application/json","batch_id":"b1","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    );

    let (key, headers, second) = &records[1];
    assert_eq!(key.as_deref(), Some("u1"), "the user's own id is the key");
    assert_eq!(second["event_id"].as_str().unwrap().len(), 36, "a missing id is given");
    assert_eq!(second["timestamp"], second["received_at"], "a missing time is the receive time");
    assert_eq!(second["page"]["path"], "/t/y");
    assert_eq!(headers["ce_type"], "footfall.page");
}

#[tokio::test]
async fn under_global_privacy_control_events_are_kept_without_ids_and_address() {
    let server = Server::start(&[]).await;
    let body = r#"{"context":{"anonymous_id":"a1","session_id":"s1","locale":"en"},"events":[
        {"event":"post_view","user_id":"u1","context":{"user_id":"u2","locale":"de"}},
        {"type":"alias","user_id":"u1","previous_id":"u0"},{"type":"group","group_id":"g1","traits":{"e":"ann@x"}}]}"#;
    let told = server.post_with("/v1/events?key=pk_demo", &[TEXT, ("sec-gpc", "1")], body).await.json();
    assert_eq!(told["accepted"], 3);
    for (key, headers, record) in journal(server.data_dir.path()) {
        let text = format!("{key:?} {headers:?} {record}");
        for id in ["a1", "s1", "u0", "u1", "u2", "g1", "ann@x", "127.0.0"] {
            assert!(!text.contains(&format!("\"{id}")), "{id} was kept: {text}");
        }
        assert_eq!(record["client"], json!({"address_policy":"drop"}));
    }
}

#[tokio::test]
async fn the_key_may_come_in_the_query_in_a_header_or_in_the_body() {
    let server = Server::start(&[]).await;
    let json = ("content-type", "application/json");
    let event = r#"{"events":[{"event":"a"}]}"#;
    assert_eq!(server.post_with("/v1/events?key=pk_demo", &[json], event).await.status, 200);
    assert_eq!(server.post_with("/v1/events", &[json, ("x-write-key", "pk_demo")], event).await.status, 200);
    let inside = r#"{"write_key":"pk_demo","events":[{"event":"a"}]}"#;
    assert_eq!(server.post_with("/v1/events", &[], inside).await.status, 200);
}

#[tokio::test]
async fn what_unpacks_to_too_much_and_what_is_packed_otherwise_is_refused_in_words() {
    let server = Server::start(&[]).await;
    // 512 KiB of spaces, from Node's packer.
    let brotli = b"\x5b\xff\xff\x87\x5f\x02\x24\x1e\x0b\x04\x72\xef\x0f\x00";
    let refused =
        server.post_with("/v1/events?key=pk_demo", &[TEXT, ("content-encoding", "br")], &brotli[..]).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "batch_too_large"));
    assert_eq!(refused.json()["reason"], "the body unpacks to more than 200 times its size; split the batch");
    for encoding in ["deflate", "compress", "gzip, br", "br,br"] {
        let headers = [TEXT, ("content-encoding", encoding)];
        let refused = server.post_with("/v1/events?key=pk_demo", &headers, &brotli[..]).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (415, "unsupported_encoding"));
        let reason = format!("the encoding is {encoding:?}; it must be gzip, br, zstd or identity");
        assert_eq!(refused.json()["reason"], reason);
    }
}

#[tokio::test]
async fn packed_bodies_are_taken_by_header_and_by_query() {
    let server = Server::start(&[]).await;
    let event = br#"{"events":[{"event":"a"}]}"#;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(event).unwrap();
    let gzip = packer.finish().unwrap();
    let zstd = zstd::encode_all(&event[..], 3).unwrap();
    let by_query = server.post_with("/v1/events?key=pk_demo&encoding=gzip", &[TEXT], gzip.clone()).await;
    let by_header =
        server.post_with("/v1/events?key=pk_demo", &[TEXT, ("content-encoding", "gzip")], gzip).await;
    let by_zstd =
        server.post_with("/v1/events?key=pk_demo", &[TEXT, ("content-encoding", "zstd")], zstd).await;
    for reply in [by_query, by_header, by_zstd] {
        assert_eq!(reply.json()["accepted"], 1);
    }
}

#[tokio::test]
async fn every_page_can_read_every_answer_errors_too() {
    let server = Server::start(&[]).await;
    let origin = ("origin", "https://forum.example");
    for (path, status) in [("/v1/events?key=pk_demo", 200), ("/v1/events?key=no", 401), ("/nothing", 404)] {
        let reply = server.post_with(path, &[TEXT, origin], r#"{"events":[]}"#).await;
        assert_eq!(reply.status.as_u16(), status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://forum.example"));
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
        assert!(reply.header("access-control-expose-headers").unwrap().starts_with("retry-after,"));
        assert!(reply.header("vary").unwrap().contains("origin"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    let ask = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-write-key"),
    ];
    let preflight = send(server.public, "OPTIONS", "/v1/events", &ask, "").await;
    assert_eq!(preflight.status, 200);
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("x-write-key"));
    assert_eq!(preflight.header("access-control-max-age"), Some("86400"));
    let opaque =
        server.post_with("/v1/events?key=pk_demo", &[TEXT, ("origin", "null")], r#"{"events":[]}"#).await;
    assert_eq!(opaque.status, 200, "a beacon under no-referrer is no attack");
}

#[tokio::test]
async fn the_live_view_shows_what_was_accepted_from_one_browser() {
    let server = Server::start(&[]).await;
    let batch = |browser: &str, event: &str| {
        format!(r#"{{"context":{{"anonymous_id":"{browser}"}},"events":[{{"event":"{event}"}}]}}"#)
    };
    for (browser, event) in [("a1", "first"), ("a2", "other"), ("a1", "second")] {
        server.post(batch(browser, event)).await;
    }
    let mut stream = TcpStream::connect(server.admin).await.unwrap();
    stream
        .write_all(b"GET /debug/events?anonymous_id=a1&replay=1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut seen = String::new();
    until(&mut stream, &mut seen, "\"event\":\"second\"").await;
    assert!(
        seen.contains("text/event-stream") && seen.contains("event: accepted") && seen.contains("id: "),
        "{seen}"
    );
    server.post(batch("a2", "other")).await;
    server.post(batch("a1", "third")).await;
    until(&mut stream, &mut seen, "\"event\":\"third\"").await;
    assert!(!seen.contains("\"first\"") && !seen.contains("other"), "{seen}");

    let (ended, _) = server.stop().await;
    ended.unwrap();
    let rest = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut Vec::new())).await;
    assert!(rest.is_ok(), "an open live view holds up no stop");
}

async fn until(stream: &mut TcpStream, seen: &mut String, wanted: &str) {
    let read = async {
        let mut buffer = [0; 4096];
        while !seen.contains(wanted) {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "ended before {wanted}: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
}

#[tokio::test]
async fn metrics_count_what_became_of_requests_and_events() {
    let server = Server::start(&[]).await;
    server.post(r#"{"events":[{"event":"a"},{"event":"B"}]}"#).await;
    server.post("{").await;
    let reply = server.get("/metrics").await;
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    for line in [
        "footfall_requests_total{code=\"partial\"} 1",
        "footfall_requests_total{code=\"not_json\"} 1",
        "footfall_events_total{status=\"accepted\"} 1",
        "footfall_events_total{status=\"invalid\"} 1",
        "footfall_ready 1",
        "footfall_journal_max_bytes 1073741824",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
