//! Who the other end is: by PROXY header, by Unix socket, and how many connections it may have.

use crate::support::Server;
use crate::support::tls::{batch, http1, http2, read};
use footfall_delivery::journal::JournalReader;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

const PATIENCE: Duration = Duration::from_secs(20);
const BEHIND: [(&str, &str); 3] =
    [("proxy_protocol", "true"), ("proxies.trusted", "127.0.0.1"), ("privacy.address", "full")];

/// Begins a connection with those bytes.
async fn begin(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// The addresses of all that was stored.
fn addresses(server: &Server) -> Vec<String> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 100).unwrap();
    let records = rows.into_iter().map(|row| serde_json::from_slice::<Value>(&row.payload).unwrap());
    records.map(|record| record["client"]["address"].as_str().unwrap_or("none").to_owned()).collect()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    read.is_err() || rest.is_empty()
}

const VERSION_2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x13\xcb\x00\x71\x08\x0a\x00\x00\x01\xd4\x31\x01\xbb\x04\x00\x04abcd";

#[tokio::test]
async fn the_address_of_a_proxy_header_is_the_clients() {
    let server = Server::start(&BEHIND).await;
    let mut one = http1(begin(&server, b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 443\r\n").await).await;
    let mut two = http2(begin(&server, VERSION_2).await).await;
    let mut local = http1(begin(&server, b"PROXY UNKNOWN\r\n").await).await;
    for answer in
        [one.send_request(batch()).await, two.send_request(batch()).await, local.send_request(batch()).await]
    {
        assert_eq!(read(answer.unwrap()).await.status, 200);
    }
    let mut stored = addresses(&server);
    stored.sort();
    assert_eq!(stored, ["127.0.0.1", "203.0.113.7", "203.0.113.8"]);
}

#[tokio::test]
async fn a_trusted_proxy_without_its_header_is_closed() {
    let server = Server::start(&[&BEHIND[..], &[("http.handshake_timeout", "200ms")]].concat()).await;
    for bytes in
        [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], b"PROXY TCP4 nonsense\r\n", b"PROXY TCP4 203.0", b""]
    {
        assert!(is_closed(&mut begin(&server, bytes).await).await, "{bytes:?}");
    }
    server.until_metric(r#"footfall_connections_ended_total{reason="proxy_header"} 4"#).await;
}

#[tokio::test]
async fn a_header_from_who_is_not_trusted_is_refused() {
    let settings =
        [("proxy_protocol", "true"), ("proxies.trusted", "192.0.2.1"), ("privacy.address", "full")];
    let server = Server::start(&settings).await;
    let request = b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 443\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert!(is_closed(&mut begin(&server, request).await).await);
    server.until_metric(r#"footfall_connections_ended_total{reason="proxy_header"} 1"#).await;
    assert_eq!(server.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200, "without one it is served");
    assert_eq!(addresses(&server), ["127.0.0.1"]);
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let server = Server::start(&[&BEHIND[..], &[("http.max_connections_per_address", "2")]].concat()).await;
    let header = |client: &str| format!("PROXY TCP4 {client} 10.0.0.1 54321 443\r\n");
    let mut first = Vec::new();
    for _ in 0..2 {
        let mut client = http1(begin(&server, header("203.0.113.7").as_bytes()).await).await;
        assert_eq!(read(client.send_request(batch()).await.unwrap()).await.status, 200);
        first.push(client);
    }
    assert!(is_closed(&mut begin(&server, header("203.0.113.7").as_bytes()).await).await);
    server.until_metric(r#"footfall_connections_ended_total{reason="too_many_from_address"} 1"#).await;
    let mut other = http1(begin(&server, header("203.0.113.8").as_bytes()).await).await;
    assert_eq!(read(other.send_request(batch()).await.unwrap()).await.status, 200);
    drop(first);
    let again = async {
        loop {
            let mut client = http1(begin(&server, header("203.0.113.7").as_bytes()).await).await;
            if client.send_request(batch()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_serves_the_same_and_goes_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("footfall.sock");
    let settings =
        [("unix.listen", path.to_str().unwrap()), ("proxies.trusted", "unix"), ("privacy.address", "full")];
    let server = Server::start(&settings).await;
    let mut one = http1(UnixStream::connect(&path).await.unwrap()).await;
    let mut request = batch();
    request.headers_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
    assert_eq!(read(one.send_request(request).await.unwrap()).await.status, 200);
    let mut two = http2(UnixStream::connect(&path).await.unwrap()).await;
    assert_eq!(read(two.send_request(batch()).await.unwrap()).await.status, 200);
    assert_eq!(addresses(&server), ["203.0.113.9", "none"]);
    server.stop().await.0.unwrap();
    assert!(!path.exists());
}
