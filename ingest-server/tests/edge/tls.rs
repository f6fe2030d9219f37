//! TLS and both versions of HTTP: what is offered, what is refused, and a certificate that is replaced.

use crate::support::Server;
use crate::support::tls::{Pair, batch, connect, http1, http2, pair, read};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that speaks TLS as well, and the pair that it has.
async fn start(more: &[(&'static str, &str)]) -> (Server, Pair, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair(dir.path());
    let (certificate, key) = (pair.certificate.to_str().unwrap(), pair.key.to_str().unwrap());
    let tls = [("tls.listen", "127.0.0.1:0"), ("tls.certificate", certificate), ("tls.key", key)];
    let server = Server::start(&[&tls[..], more].concat()).await;
    (server, pair, dir)
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_by_tls_and_in_plain() {
    let (server, pair, _dir) = start(&[]).await;
    let tls = server.tls.unwrap();

    let stream = connect(tls, &pair.der, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 is preferred");
    let mut client = http2(stream).await;
    // Many at once on one connection.
    let answers = (0..20).map(|_| client.send_request(batch()));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(read(answer.unwrap()).await.json()["accepted"], 1);
    }
    for protocols in [&["http/1.1"][..], &[]] {
        let mut client = http1(connect(tls, &pair.der, protocols).await.unwrap()).await;
        for _ in 0..2 {
            assert_eq!(read(client.send_request(batch()).await.unwrap()).await.json()["accepted"], 1);
        }
    }
    let mut client = http2(TcpStream::connect(server.public).await.unwrap()).await;
    assert_eq!(read(client.send_request(batch()).await.unwrap()).await.json()["accepted"], 1);
    assert_eq!(server.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200);
}

#[tokio::test]
async fn plain_http_on_the_tls_address_harms_nobody() {
    let (server, pair, _dir) = start(&[]).await;
    let mut stream = TcpStream::connect(server.tls.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    // What comes is TLS's own word for it, or a reset.
    let _ = stream.read_to_end(&mut told).await;
    assert!(!told.starts_with(b"HTTP"), "{told:?}");
    server.until_metric(r#"footfall_connections_ended_total{reason="tls_handshake"} 1"#).await;
    connect(server.tls.unwrap(), &pair.der, &[]).await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut() {
    let (server, _pair, _dir) = start(&[("http.handshake_timeout", "100ms")]).await;
    let mut silent = TcpStream::connect(server.tls.unwrap()).await.unwrap();
    let mut nothing = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), silent.read_to_end(&mut nothing)).await;
    assert_eq!(read.unwrap().unwrap(), 0);
    server.until_metric(r#"footfall_connections_ended_total{reason="tls_handshake"} 1"#).await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_and_a_broken_one_refused() {
    let (server, old, dir) = start(&[]).await;
    let tls = server.tls.unwrap();
    let mut open = http2(connect(tls, &old.der, &["h2"]).await.unwrap()).await;

    let old_text = std::fs::read(&old.certificate).unwrap();
    let new = pair(dir.path());
    server.until_metric(r#"footfall_tls_certificates_total{result="taken"} 1"#).await;
    connect(tls, &new.der, &[]).await.unwrap();
    connect(tls, &old.der, &[]).await.unwrap_err();
    assert_eq!(read(open.send_request(batch()).await.unwrap()).await.status, 200, "open ones go on");

    // The old certificate beside the new key: half a replacement.
    std::fs::write(&new.certificate, &old_text).unwrap();
    server.until_metric(r#"footfall_tls_certificates_total{result="refused"} 1"#).await;
    connect(tls, &new.der, &[]).await.unwrap();
    std::fs::remove_file(&new.certificate).unwrap();
    server.until_metric(r#"footfall_tls_certificates_total{result="refused"} 2"#).await;
    connect(tls, &new.der, &[]).await.unwrap();
    // rcgen's certificates last until the year 4096.
    let metrics = server.metrics().await;
    let end = metrics.lines().find_map(|line| line.strip_prefix("footfall_tls_certificate_expires_seconds "));
    assert!(end.unwrap().parse::<i64>().unwrap() > 60_000_000_000, "{metrics}");
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_finishes_open_requests() {
    let (server, pair, _dir) = start(&[("stop_timeout", "20s")]).await;
    let tls = server.tls.unwrap();
    let mut two = http2(connect(tls, &pair.der, &["h2"]).await.unwrap()).await;
    let mut one = http1(connect(tls, &pair.der, &["http/1.1"]).await.unwrap()).await;
    let mut plain = http1(TcpStream::connect(server.public).await.unwrap()).await;
    for answer in
        [two.send_request(batch()).await, one.send_request(batch()).await, plain.send_request(batch()).await]
    {
        assert_eq!(read(answer.unwrap()).await.status, 200);
    }
    // A request whose body is half here when the stop comes.
    let body = r#"{"events":[{"event":"a"}]}"#;
    let head = format!(
        "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut half = connect(tls, &pair.der, &["http/1.1"]).await.unwrap();
    half.write_all(format!("{head}{}", &body[..5]).as_bytes()).await.unwrap();
    half.flush().await.unwrap();
    let mut word = [0; 25];
    half.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n", "the server waits for the body");
    let silent = TcpStream::connect(tls).await.unwrap();
    let begun = tokio::time::Instant::now();
    let stopping = tokio::spawn(server.stop());
    while !two.is_closed() || !one.is_closed() || !plain.is_closed() {
        tokio::task::yield_now().await;
    }
    half.write_all(&body.as_bytes()[5..]).await.unwrap();
    let mut answer = Vec::new();
    half.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    stopping.await.unwrap().0.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(9), "nothing was waited for that is not under way");
    drop(silent);
}

#[tokio::test]
async fn who_dribbles_a_request_holds_up_no_stop() {
    let server = Server::start(&[("stop_timeout", "1s"), ("http.body_timeout", "1h")]).await;
    let mut slow = TcpStream::connect(server.public).await.unwrap();
    slow.write_all(b"POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        .await
        .unwrap();
    let mut head = TcpStream::connect(server.public).await.unwrap();
    head.write_all(b"POST /v1/ev").await.unwrap();
    server.stop().await.0.unwrap();
}
