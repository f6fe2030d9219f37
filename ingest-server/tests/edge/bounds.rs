//! What happens at the bounds of the HTTP edge: a full store, bodies that do not come, pages and watchers that go or sleep.

use crate::support::{Server, send, until};
use footfall_delivery::journal::JournalReader;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many records are in the journal.
fn stored(server: &Server) -> usize {
    JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 1000).unwrap().len()
}

#[tokio::test]
async fn a_full_journal_refuses_with_the_time_to_come_again_and_nothing_acknowledged_is_lost() {
    let server = Server::start(&[("journal.max_bytes", "1MiB"), ("journal.retention_bytes", "off")]).await;
    let filler = "x".repeat(30_000);
    let body = format!(r#"{{"events":[{{"event":"a","properties":{{"a":"{filler}"}}}}]}}"#);
    let mut acknowledged = 0;
    let refused = loop {
        let reply = server.post(body.clone()).await;
        if reply.status != 200 {
            break reply;
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "1 MiB holds no 100 events of 30 KB");
    };
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "journal_full"));
    assert!(refused.json()["retry_after_ms"].as_u64().unwrap() >= 1000);
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(stored(&server), acknowledged);
    let probe = server.get("/readyz").await;
    assert_eq!(probe.status, 503);
    assert!(String::from_utf8_lossy(&probe.body).starts_with("not ready: "), "{probe:?}");
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up_with_an_answer() {
    let server = Server::start(&[("http.body_timeout", "50ms")]).await;
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"events\"";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut reply)).await.unwrap().unwrap();
    let reply = String::from_utf8_lossy(&reply[..read]).into_owned();
    assert!(reply.starts_with("HTTP/1.1 408 ") && reply.contains("body_timeout"), "{reply}");
}

#[tokio::test]
async fn bodies_take_no_more_memory_than_they_are_given() {
    let server = Server::start(&[("http.max_body_bytes", "512KiB")]).await;
    let head = "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: 524288\r\n\r\n";
    let mut quiet = TcpStream::connect(server.public).await.unwrap();
    quiet.write_all(head.as_bytes()).await.unwrap();
    let mut slow = TcpStream::connect(server.public).await.unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&vec![b' '; 524_287]).await.unwrap();
    until_status(&server, 503).await;
    let refused = server.post(r#"{"events":[]}"#).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "overloaded"));
    drop(slow);
    // The one that only declares a body holds nobody up.
    until_status(&server, 200).await;
    drop(quiet);
}

async fn until_status(server: &Server, status: u16) {
    until(async || server.post(r#"{"events":[]}"#).await.status == status).await;
}

#[tokio::test]
async fn a_batch_of_a_page_that_goes_away_is_stored_all_the_same() {
    let server = Server::start(&[]).await;
    let body = r#"{"events":[{"event":"last_words"}]}"#;
    let request = format!(
        "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    const PAGES: usize = 50;
    for _ in 0..PAGES {
        let mut page = TcpStream::connect(server.public).await.unwrap();
        page.write_all(request.as_bytes()).await.unwrap();
        page.shutdown().await.unwrap();
    }
    until(async || stored(&server) >= PAGES).await;
    let text = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    assert!(text.contains(&format!("footfall_events_total{{status=\"accepted\"}} {PAGES}")), "{text}");
}

#[tokio::test]
async fn connections_that_say_nothing_give_their_places_back() {
    let server = Server::start(&[("http.head_timeout", "100ms"), ("http.max_connections", "2")]).await;
    let silent = TcpStream::connect(server.public).await.unwrap();
    let mut dribbling = TcpStream::connect(server.public).await.unwrap();
    dribbling.write_all(b"PRI * HT").await.unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(20), server.post(r#"{"events":[]}"#)).await;
    assert_eq!(answered.unwrap().status, 200);
    drop((silent, dribbling));
}

#[tokio::test]
async fn a_watcher_that_does_not_read_holds_up_no_stop() {
    let server = Server::start(&[("stop_timeout", "4s")]).await;
    let mut watcher = TcpStream::connect(server.admin).await.unwrap();
    watcher.write_all(b"GET /debug/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    watcher.readable().await.unwrap();
    let filler = "x".repeat(30_000);
    let body = format!(
        r#"{{"events":[{}]}}"#,
        vec![format!(r#"{{"event":"a","properties":{{"a":"{filler}"}}}}"#); 16].join(",")
    );
    for _ in 0..40 {
        assert_eq!(server.post(body.clone()).await.status, 200);
    }
    let (ended, _) = server.stop().await;
    ended.unwrap();
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_with_the_time_to_come_again_and_all_passes_once_it_does() {
    let server = Server::start(&[]).await;
    // Whoever else writes to the file holds its lock: to SQLite that is a disk that does not take what is written.
    let other = rusqlite::Connection::open(server.data_dir.path().join("journal.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (refused, picture) = tokio::join!(
        server.post(r#"{"events":[{"event":"a","event_id":"e1"}]}"#),
        send(server.public, "GET", "/v1/pixel.gif?key=pk_demo&event=a", &[], ""),
    );
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "journal_io"), "{refused:?}");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!((picture.status.as_u16(), picture.header("x-footfall-code")), (503, Some("journal_io")));
    assert!(picture.header("retry-after").is_some());
    other.execute_batch("ROLLBACK").unwrap();
    until(async || server.post(r#"{"events":[{"event":"a","event_id":"e1"}]}"#).await.status == 200).await;
    assert_eq!(stored(&server), 1);
}

#[tokio::test]
async fn who_probes_while_it_stops_hears_that_it_is_stopping_and_what_is_under_way_is_answered() {
    // Half of a stop is for connections, and 10 KB of a body buy some 20 seconds: a busy machine is in time.
    let server = Server::start(&[("stop_timeout", "60s"), ("http.body_timeout", "60s")]).await;
    let (public, admin) = (server.public, server.admin);
    let mut stream = TcpStream::connect(public).await.unwrap();
    let body = format!(r#"{{"events":[{{"event":"a"}}]{}}}"#, " ".repeat(10_000));
    let (body, last) = body.split_at(body.len() - 1);
    let length = body.len() + last.len();
    let head =
        format!("POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await.unwrap();
    server.until_metric("footfall_requests_in_flight 1").await;
    let stopping = tokio::spawn(server.stop());
    until(async || send(admin, "GET", "/readyz", &[], "").await.status != 200).await;
    let told = send(admin, "GET", "/readyz", &[], "").await;
    assert_eq!((told.status.as_u16(), &*told.body), (503, &b"not ready: the server is stopping\n"[..]));
    assert_eq!(send(admin, "GET", "/healthz", &[], "").await.status, 200);
    stream.write_all(last.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains(r#""accepted":1"#), "{reply}");
    let (stopped, _data_dir) = stopping.await.unwrap();
    stopped.unwrap();
    assert!(TcpStream::connect(admin).await.is_err(), "then nobody answers");
}
