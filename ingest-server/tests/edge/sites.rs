//! What is set for single sites: whose pages may send, and what they are told to capture.

use crate::support::{Reply, Server, send};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SITES: &str = r#"
[site.pk_demo]
origins = ["https://forum.example", "http://localhost:3000", "https://*.forum.example"]
capture = ["clicks", "forms"]
sample_rate = 0.5
sample = { element_view = 0.1, noise = 0 }
key_events = ["purchase"]

[site.pk_strict]
null_origin = "refuse"
"#;

async fn server() -> Server {
    Server::start_from(&[("write_key", &["pk_demo", "pk_strict", "pk_plain"])], Some(SITES)).await
}

async fn post(server: &Server, query: &str, origin: &str, body: &str) -> Reply {
    let headers = [("content-type", "text/plain"), ("origin", origin)];
    server.post_with(&format!("/v1/events{query}"), &headers, body.to_owned()).await
}

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

#[tokio::test]
async fn only_pages_of_the_sites_origins_may_send_for_it() {
    let server = server().await;
    for (key, origin, allowed) in [
        ("pk_demo", "https://forum.example", true),
        ("pk_demo", "http://localhost:3000", true),
        ("pk_demo", "https://de.forum.example", true),
        ("pk_demo", "https://evilforum.example", false),
        ("pk_demo", "null", true),
        ("pk_demo", "http://forum.example", false),
        ("pk_demo", "https://forum.example.evil.example", false),
        ("pk_demo", "https://forum.example:8443", false),
        ("pk_plain", "https://anybody.example", true),
        ("pk_plain", "null", true),
        ("pk_strict", "https://anybody.example", true),
        ("pk_strict", "null", false),
    ] {
        let reply = post(&server, &format!("?key={key}"), origin, EVENT).await;
        assert_eq!(reply.status == 200, allowed, "{key} {origin}");
        if !allowed {
            let reason = format!(
                "the origin {origin:?} may not send with the write key {key:?}; the site's origins are a setting of \
                 this server"
            );
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "origin_not_allowed"));
            assert_eq!(reply.json()["reason"], reason);
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin), "the page can read why");
        }
    }
    // A server of the site's own has no origin.
    assert_eq!(server.post(EVENT).await.status, 200);
}

#[tokio::test]
async fn an_origin_is_refused_before_the_body_is_read_and_a_key_in_the_body_after_it() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\norigin: https://evil.example\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let read = tokio::time::timeout(std::time::Duration::from_secs(20), stream.read(&mut reply)).await;
    let reply = String::from_utf8_lossy(&reply[..read.unwrap().unwrap()]).into_owned();
    assert!(reply.starts_with("HTTP/1.1 403 ") && reply.contains("origin_not_allowed"), "{reply}");

    let inside = r#"{"write_key":"pk_demo","events":[{"event":"a"}]}"#;
    assert_eq!(post(&server, "", "https://evil.example", inside).await.code(), "origin_not_allowed");
    assert_eq!(post(&server, "", "https://forum.example", inside).await.status, 200);
}

#[tokio::test]
async fn a_hidden_origin_is_flagged_in_the_record() {
    let server = server().await;
    for origin in ["null", "https://forum.example"] {
        post(&server, "?key=pk_demo", origin, EVENT).await;
    }
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 10).unwrap();
    let clients: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_slice::<Value>(&row.payload).unwrap()["client"].take())
        .collect();
    let plain = json!({"address": "127.0.0.0", "address_policy": "truncate"});
    let flagged = json!({"address": "127.0.0.0", "address_policy": "truncate", "null_origin": true});
    assert_eq!(clients, [flagged, plain]);
}

async fn get(server: &Server, method: &str, key: &str, headers: &[(&str, &str)]) -> Reply {
    send(server.public, method, &format!("/v1/config/{key}"), headers, "").await
}

#[tokio::test]
async fn a_page_is_told_what_the_settings_say_of_its_site() {
    let server = server().await;
    let reply = get(&server, "GET", "pk_demo", &[("origin", "https://forum.example")]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({
            "capture": {"clicks": true, "views": false, "pages": false, "leave": false, "forms": true, "media": false,
                "errors": false, "vitals": false, "copy": false, "print": false, "traces": false},
            "sample_rate": 0.5, "sample": {"element_view": 0.1, "noise": 0.0}, "key_events": ["purchase"]
        })
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300, stale-while-revalidate=86400"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://forum.example"));
    for key in ["pk_strict", "pk_plain"] {
        assert_eq!(get(&server, "GET", key, &[]).await.body, "{}");
    }
    let head = get(&server, "HEAD", "pk_demo", &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), reply.header("etag"));
}

#[tokio::test]
async fn a_page_that_has_the_settings_is_told_so() {
    let server = server().await;
    let first = get(&server, "GET", "pk_demo", &[]).await;
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.len() == 34, "a strong tag: {etag}");
    for known in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let again = get(&server, "GET", "pk_demo", &[("if-none-match", &known)]).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        assert_eq!(
            (again.header("etag"), again.header("cache-control")),
            (Some(etag), first.header("cache-control"))
        );
    }
    let other = get(&server, "GET", "pk_plain", &[("if-none-match", etag)]).await;
    assert_eq!(other.status, 200, "another content has another tag");
}

#[tokio::test]
async fn an_unknown_site_has_no_settings() {
    let server = server().await;
    let reply = get(&server, "GET", "pk_nobody", &[("origin", "https://x.example")]).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (404, "unknown_write_key"));
    assert_eq!(reply.json()["reason"], "there is no site with the write key \"pk_nobody\" on this server");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://x.example"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(get(&server, "GET", "%ff", &[]).await.status, 404);
    assert_eq!(get(&server, "POST", "pk_demo", &[]).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn a_record_says_which_server_took_it_for_which_site_and_the_trace_of_its_request() {
    let file = "[server]\nregion = \"eu-west\"\ninstance = \"edge-1\"\n[site.pk_demo]\nname = \"Forum\"\n";
    let server = Server::start_from(&[("write_key", &["pk_demo", "pk_plain"])], Some(file)).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for key in ["pk_demo", "pk_plain"] {
        let reply = server
            .post_with(&format!("/v1/events?key={key}"), &[("traceparent", trace)], EVENT.to_owned())
            .await;
        assert_eq!(reply.status, 200);
    }
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 10).unwrap();
    let records: Vec<Value> = rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect();
    assert_eq!((&records[0]["site"], records[1].get("site")), (&json!("Forum"), None));
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(record["server"], json!({"region": "eu-west", "instance": "edge-1"}));
        let header = row.headers.iter().find(|header| header.name == "traceparent").unwrap();
        assert_eq!(header.value, trace);
    }
}
