//! The shorter ways to send an event: alone, in an array, and in the address of a picture.

use crate::support::{Reply, Server, send};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};

/// The records in the journal.
fn journal(server: &Server) -> Vec<Value> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 1000).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

#[tokio::test]
async fn one_event_and_an_array_of_events_need_no_batch_around_them() {
    let server = Server::start(&[]).await;
    let one = r#"{"write_key":"pk_demo","event":"post_view","properties":{"post_id":42}}"#;
    let told = server.post_with("/v1/events", &[], one).await.json();
    assert_eq!((&told["accepted"], &told["unknown_fields"]), (&json!(1), &json!(0)));
    let told = server.post(r#"[{"event":"a","user_id":"u"},{"event":"B"},{"type":"page"}]"#).await.json();
    assert_eq!((&told["accepted"], &told["events"][0]["path"]), (&json!(2), &json!("event")));
    let told = server.post(r#"{"type":"identify","traits":7}"#).await.json();
    assert_eq!(told["events"][0]["reason"], "traits is a number; it must be an object");
    let records = journal(&server);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["properties"], json!({"post_id": 42}));
    assert_eq!(records[1]["user_id"], "u");
}

async fn pixel(server: &Server, query: &str, headers: &[(&str, &str)]) -> Reply {
    let reply = send(server.public, "GET", &format!("/v1/pixel.gif?{query}"), headers, "").await;
    assert_eq!((reply.body.len(), &reply.body[..6]), (43, &b"GIF89a"[..]), "always the picture");
    assert_eq!(reply.header("content-type"), Some("image/gif"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply
}

#[tokio::test]
async fn a_picture_in_a_mail_is_an_event_once_it_is_durable() {
    let server = Server::start(&[]).await;
    let query = "key=pk_demo&event=newsletter_opened&user_id=42&p.post_id=7&t.zip=12&event_id=e1";
    let reply = pixel(&server, query, &[("user-agent", "Mail/1")]).await;
    assert_eq!((reply.status.as_u16(), reply.header("x-footfall-code")), (200, Some("ok")));
    let record = journal(&server).remove(0);
    assert_eq!((&record["event_id"], &record["user_id"]), (&json!("e1"), &json!("42")));
    assert_eq!(record["properties"], json!({"post_id": 7, "zip": "12"}));
    let reply = send(server.public, "HEAD", &format!("/v1/pixel.gif?{query}"), &[], "").await;
    assert_eq!((reply.status.as_u16(), journal(&server).len()), (200, 1), "a HEAD request is nobody's view");
}

#[tokio::test]
async fn a_refused_picture_is_shown_all_the_same_and_its_head_tells_why() {
    let server = Server::start(&[]).await;
    for (query, status, code, reason) in [
        ("event=a", 401, "no_write_key", "no write key"),
        ("key=pk_other&event=a", 401, "unknown_write_key", "the write key"),
        ("key=pk_demo", 400, "required", "event is missing"),
        ("key=pk_demo&event=K%C3%A4ufe", 400, "bad_name", "event name \"K?ufe\" is not allowed"),
        ("key=pk_demo&event=a&event=b", 400, "bad_query", "a name that stands twice is \"event\""),
        ("key=pk_demo&event=a&timestamp=now", 400, "wrong_type", "timestamp is a string"),
        ("key=pk_demo&event=a&priority=urgent", 400, "bad_query", "priority is \"urgent\""),
    ] {
        let reply = pixel(&server, query, &[]).await;
        assert_eq!((reply.status.as_u16(), reply.header("x-footfall-code")), (status, Some(code)), "{query}");
        assert!(reply.header("x-footfall-reason").unwrap().starts_with(reason), "{query}");
    }
    assert!(journal(&server).is_empty());
}
