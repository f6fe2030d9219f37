//! Clients that are slow, silent or greedy: each is cut in its time, gives its place back, and hurts no other.
//! Short settings make the times short; what is waited for is the condition.

use crate::support::Server;
use crate::support::tls::{batch, http1, http2, read};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame (RFC 9113, section 6.5).
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn ended(reason: &str, times: u32) -> String {
    format!("footfall_connections_ended_total{{reason=\"{reason}\"}} {times}")
}

/// Reads until the server closes; a reset is an end too.
async fn until_closed(stream: &mut TcpStream) {
    let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut() {
    let server = Server::start(&[("http.head_timeout", "200ms")]).await;
    let mut slow = TcpStream::connect(server.public).await.unwrap();
    let (mut reading, mut writing) = slow.split();
    let dribble = async {
        for byte in
            b"GET /v1/config/pk_demo HTTP/1.1\r\nhost: x\r\nx: ".iter().chain(std::iter::repeat(&b'y'))
        {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        read = timeout(PATIENCE, reading.read_to_end(&mut rest)) => { let _ = read.unwrap(); }
        () = dribble => {}
    }
    server.until_metric(&ended("head_timeout", 1)).await;

    // The next head on a connection that is kept has the same time.
    let mut kept = TcpStream::connect(server.public).await.unwrap();
    kept.write_all(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    kept.write_all(b"GET /noth").await.unwrap();
    until_closed(&mut kept).await;
    server.until_metric(&ended("head_timeout", 2)).await;
}

#[tokio::test]
async fn a_body_of_one_byte_now_and_then_is_given_up_before_its_time() {
    let server = Server::start(&[("http.body_timeout", "1h")]).await;
    let slow = TcpStream::connect(server.public).await.unwrap();
    let (mut reading, mut writing) = slow.into_split();
    writing
        .write_all(b"POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n")
        .await
        .unwrap();
    let dribble = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = [0; 12];
    timeout(PATIENCE, reading.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    dribble.abort();
}

#[tokio::test]
async fn idle_connections_of_both_versions_are_ended_in_good_order() {
    let server = Server::start(&[("http.idle_timeout", "300ms")]).await;
    let mut one = http1(TcpStream::connect(server.public).await.unwrap()).await;
    let mut two = http2(TcpStream::connect(server.public).await.unwrap()).await;
    for answer in [one.send_request(batch()).await, two.send_request(batch()).await] {
        assert_eq!(read(answer.unwrap()).await.status, 200);
    }
    let closed = async {
        while !one.is_closed() || !two.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, closed).await.unwrap();
    server.until_metric(&ended("idle", 2)).await;
}

#[tokio::test]
async fn a_connection_that_has_rested_goes_on_where_it_was() {
    // It rests after half a second.
    let server = Server::start(&[("http.idle_timeout", "3s"), ("http.head_timeout", "2s")]).await;
    let mut kept = TcpStream::connect(server.public).await.unwrap();
    let request = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let (half, other_half) = request.split_at(20);
    // The second request's first half comes with the first: whoever reads that has it already.
    kept.write_all(&[request, half].concat()).await.unwrap();
    next_answer(&mut kept).await;
    for rest in [other_half, request, request] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        kept.write_all(rest).await.unwrap();
        next_answer(&mut kept).await;
    }
    until_closed(&mut kept).await;
    server.until_metric(&ended("idle", 1)).await;
    // Half a head is no rest: it has its time, from when it was seen.
    let mut half_said = TcpStream::connect(server.public).await.unwrap();
    half_said.write_all(&[request, half].concat()).await.unwrap();
    next_answer(&mut half_said).await;
    until_closed(&mut half_said).await;
    server.until_metric(&ended("head_timeout", 1)).await;
}

/// Reads one answer, to the end of its body, and no more.
async fn next_answer(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut byte = [0];
        timeout(PATIENCE, stream.read_exact(&mut byte)).await.unwrap().unwrap();
        answer.extend_from_slice(&byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn http2_that_says_its_first_words_and_no_more_is_cut() {
    let server = Server::start(&[("http.idle_timeout", "200ms")]).await;
    // One says the preface alone; one begins a head and never ends it.
    let mut silent = TcpStream::connect(server.public).await.unwrap();
    silent.write_all(PREFACE).await.unwrap();
    let mut dribbling = TcpStream::connect(server.public).await.unwrap();
    let head_without_end: &[u8] = &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82];
    dribbling.write_all(&[PREFACE, SETTINGS, head_without_end].concat()).await.unwrap();
    until_closed(&mut silent).await;
    until_closed(&mut dribbling).await;
    server.until_metric(&ended("idle", 2)).await;
}

#[tokio::test]
async fn answers_that_are_not_read_are_cut_in_http1() {
    let server = Server::start(&[("http.answer_timeout", "300ms")]).await;
    let mut greedy = TcpStream::connect(server.public).await.unwrap();
    // Requests without end, and not one answer read: at some point the system takes no more to write.
    let requests = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    let ask = async { while greedy.write_all(&requests).await.is_ok() {} };
    timeout(PATIENCE, ask).await.unwrap();
    server.until_metric(&ended("answer_not_read", 1)).await;
    assert_eq!(server.post(r#"{"events":[]}"#).await.status, 200);
}

#[tokio::test]
async fn answers_that_are_not_read_are_cut_in_http2() {
    let server = Server::start(&[("http.answer_timeout", "300ms")]).await;
    let mut greedy = TcpStream::connect(server.public).await.unwrap();
    // A window of nothing for what the server wants to send, and a request: GET / on stream 1, by HPACK's own tables.
    let no_window: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    let request: &[u8] = &[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 0x01, b'x'];
    greedy.write_all(&[PREFACE, no_window, request].concat()).await.unwrap();
    until_closed(&mut greedy).await;
    server.until_metric(&ended("answer_not_read", 1)).await;
}

#[tokio::test]
async fn old_connections_end_between_two_requests() {
    let server = Server::start(&[("http.max_connection_age", "300ms")]).await;
    let mut two = http2(TcpStream::connect(server.public).await.unwrap()).await;
    let busy = async {
        while let Ok(answer) = two.send_request(batch()).await {
            assert_eq!(read(answer).await.status, 200);
        }
    };
    timeout(PATIENCE, busy).await.unwrap();
    server.until_metric(&ended("age", 1)).await;
}

#[tokio::test]
async fn streams_that_are_reset_as_fast_as_they_are_opened_end_the_connection() {
    let server = Server::start(&[]).await;
    let mut rapid = TcpStream::connect(server.public).await.unwrap();
    rapid.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    let mut flood = Vec::new();
    for stream in (1..4001_u32).step_by(2) {
        let id = stream.to_be_bytes();
        flood.extend_from_slice(&[&[0, 0, 6, 1, 5][..], &id, &[0x82, 0x84, 0x86, 0x41, 0x01, b'x']].concat());
        flood.extend_from_slice(&[&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    let (mut reading, mut writing) = rapid.into_split();
    let sending = tokio::spawn(async move { writing.write_all(&flood).await.map(|()| writing) });
    let mut told = Vec::new();
    let _ = timeout(PATIENCE, reading.read_to_end(&mut told)).await.unwrap();
    drop(sending);
    assert_eq!(server.post(r#"{"events":[]}"#).await.status, 200);
}
