//! The server behind a real nginx, as operators have it: TLS and HTTP/2 in front, connections that are kept behind,
//! a Unix socket, and the PROXY protocol with TLS passed through.

use crate::support::Server;
use crate::support::reverse_proxy::{CLIENT, Nginx, http};
use crate::support::tls::{Pair, batch, http1, http2, over, pair, read};
use footfall_delivery::journal::JournalReader;
use serde_json::Value;

/// Sends batches through the proxy and tells which client addresses were stored for them.
async fn send_all(server: &Server, nginx: &Nginx, pair: &Pair) -> Vec<String> {
    let mut two = http2(over(nginx.connect().await, &pair.der, &["h2"]).await.unwrap()).await;
    let mut one = http1(over(nginx.connect().await, &pair.der, &["http/1.1"]).await.unwrap()).await;
    for _ in 0..10 {
        // What a client says of itself is not believed.
        let mut spoofed = batch();
        spoofed.headers_mut().insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        // In HTTP/2 the host is said once, as the authority: Debian's nginx refuses both.
        let by_authority = || {
            let mut request = batch();
            request.headers_mut().remove("host");
            request
        };
        let answers = [two.send_request(by_authority()), two.send_request(by_authority())];
        let answers = futures_util::future::join_all(answers);
        for answer in answers.await {
            assert_eq!(read(answer.unwrap()).await.json()["accepted"], 1);
        }
        assert_eq!(read(one.send_request(spoofed).await.unwrap()).await.json()["accepted"], 1);
    }
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 100).unwrap();
    let records = rows.into_iter().map(|row| serde_json::from_slice::<Value>(&row.payload).unwrap());
    records.map(|record| record["client"]["address"].as_str().unwrap_or("none").to_owned()).collect()
}

/// A server block with TLS and HTTP/2 that passes on to `upstream` over connections that it keeps.
fn in_front(port: u16, upstream: &str, pair: &Pair) -> String {
    http(&format!(
        "upstream footfall {{ server {upstream}; keepalive 4; }}\n\
         server {{\n  listen 127.0.0.1:{port} ssl http2;\n  server_name localhost;\n\
         ssl_certificate {};\n  ssl_certificate_key {};\n\
         location / {{\n    proxy_pass http://footfall;\n    proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\";\n    proxy_set_header Host $host;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n  }}\n}}",
        pair.certificate.display(),
        pair.key.display()
    ))
}

#[tokio::test]
async fn tls_and_http2_in_front_and_kept_connections_behind() {
    let settings = [("proxies.trusted", "127.0.0.1"), ("privacy.address", "full")];
    let server = Server::start(&settings).await;
    let dir = tempfile::tempdir().unwrap();
    let pair = pair(dir.path());
    let upstream = server.public.to_string();
    let nginx = Nginx::start(|port| in_front(port, &upstream, &pair)).await;
    assert_eq!(send_all(&server, &nginx, &pair).await, vec![CLIENT; 30]);
}

#[tokio::test]
async fn a_unix_socket_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair(dir.path());
    let socket = dir.path().join("footfall.sock");
    let settings =
        [("unix.listen", socket.to_str().unwrap()), ("proxies.trusted", "unix"), ("privacy.address", "full")];
    let server = Server::start(&settings).await;
    let upstream = format!("unix:{}", socket.display());
    let nginx = Nginx::start(|port| in_front(port, &upstream, &pair)).await;
    assert_eq!(send_all(&server, &nginx, &pair).await, vec![CLIENT; 30]);
}

#[tokio::test]
async fn the_proxy_protocol_with_tls_passed_through() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair(dir.path());
    let (certificate, key) = (pair.certificate.to_str().unwrap(), pair.key.to_str().unwrap());
    let settings = [
        ("tls.listen", "127.0.0.1:0"),
        ("tls.certificate", certificate),
        ("tls.key", key),
        ("proxy_protocol", "true"),
        ("proxies.trusted", "127.0.0.1"),
        ("privacy.address", "full"),
    ];
    let server = Server::start(&settings).await;
    let upstream = server.tls.unwrap();
    let nginx = Nginx::start(|port| {
        format!(
            "stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass {upstream}; proxy_protocol on; }} }}"
        )
    })
    .await;
    // The one that spoofed an address is not believed either: it is no proxy.
    assert_eq!(send_all(&server, &nginx, &pair).await, vec![CLIENT; 30]);
}
