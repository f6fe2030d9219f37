//! The address rules behind a real nginx: whom it serves is told, and what a client wrote before is not believed.

use crate::support::reverse_proxy::{Nginx, http};
use crate::support::{Server, stored};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// Posts an event from an address of this machine, with these lines in the request's head.
async fn post_from(source: &str, to: SocketAddr, path: &str, lines: &str) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let body = r#"{"events":[{"event":"a"}]}"#;
    let request = format!(
        "POST {path}?key=pk_demo HTTP/1.1\r\nHost: forum\r\nConnection: close\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path} {lines}: {answer}");
}

/// The addresses that stand in the records, where nginx passes on what these clients send.
async fn addresses(
    settings: &[(&'static str, &[&str])],
    locations: &str,
    requests: &[(&str, &str, &str)],
) -> Vec<String> {
    let full: (&'static str, &[&str]) = ("privacy.address", &["full"]);
    let server = Server::start_with(&[settings, &[full]].concat()).await;
    let locations = locations.replace("SERVER", &format!("http://{}", server.public));
    let nginx = Nginx::start(|port| {
        let listen = format!("127.0.0.1:{port}");
        http(&format!("server {{ listen {listen};\n{}\n}}", locations.replace("LISTEN", &listen)))
    })
    .await;
    for (source, path, lines) in requests {
        post_from(source, nginx.address, path, lines).await;
    }
    let (ended, dir) = server.stop().await;
    ended.unwrap();
    stored(dir.path()).iter().map(|record| record["client"]["address"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_nginx_appends_is_believed_and_what_stands_before_it_is_not() {
    let settings: &[(&'static str, &[&str])] = &[("proxies.trusted", &["127.0.0.1", "127.0.0.2"])];
    // The second location is two proxies in a row: it passes on to the first, from an address of its own.
    let locations = "
        location /v1/ { proxy_pass SERVER; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
        location /twice/ { proxy_pass http://LISTEN/; proxy_bind 127.0.0.2;
                           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }";
    let spoofed = "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 127.0.0.1, unknown\r\nForwarded: for=198.51.100.1\r\n";
    let found = addresses(
        settings,
        locations,
        &[
            ("127.0.0.9", "/v1/events", ""),
            ("127.0.0.10", "/v1/events", spoofed),
            ("127.0.0.11", "/twice/v1/events", ""),
            ("127.0.0.12", "/twice/v1/events", spoofed),
        ],
    )
    .await;
    assert_eq!(found, ["127.0.0.9", "127.0.0.10", "127.0.0.11", "127.0.0.12"]);
}

#[tokio::test]
async fn a_quote_that_a_client_left_open_swallows_nothing_in_forwarded() {
    let settings: &[(&'static str, &[&str])] =
        &[("proxies.trusted", &["127.0.0.1"]), ("proxies.header", &["forwarded"])];
    let locations = r#"
        location /v1/ { proxy_pass SERVER;
                        proxy_set_header Forwarded "$http_forwarded, for=\"$remote_addr:$remote_port\";proto=http"; }"#;
    let found = addresses(
        settings,
        locations,
        &[
            ("127.0.0.9", "/v1/events", ""),
            ("127.0.0.10", "/v1/events", "Forwarded: for=198.51.100.1\r\n"),
            ("127.0.0.11", "/v1/events", "Forwarded: for=\"198.51.100.1\r\n"),
            ("127.0.0.12", "/v1/events", "Forwarded: for=198.51.100.1;by=\"\\\r\n"),
        ],
    )
    .await;
    assert_eq!(found, ["127.0.0.9", "127.0.0.10", "127.0.0.11", "127.0.0.12"]);
}

#[tokio::test]
async fn one_named_header_that_nginx_overwrites_is_believed() {
    let settings: &[(&'static str, &[&str])] =
        &[("proxies.trusted", &["127.0.0.1"]), ("proxies.header", &["X-Real-IP"])];
    let locations = "location /v1/ { proxy_pass SERVER; proxy_set_header X-Real-IP $remote_addr; }";
    let spoofed = "X-Real-IP: 198.51.100.1\r\nX-Forwarded-For: 198.51.100.2\r\n";
    let found = addresses(settings, locations, &[("127.0.0.9", "/v1/events", spoofed)]).await;
    assert_eq!(found, ["127.0.0.9"]);
}

#[tokio::test]
async fn without_trust_the_proxy_is_all_that_is_known() {
    let locations =
        "location /v1/ { proxy_pass SERVER; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }";
    let found = addresses(&[], locations, &[("127.0.0.9", "/v1/events", "")]).await;
    assert_eq!(found, ["127.0.0.1"]);
}
