//! Rate limits: by the client's address, by the write key, and what their answers tell.

use crate::support::{Reply, Server};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

fn quota(reply: &Reply) -> [Option<u64>; 3] {
    ["limit", "remaining", "reset"]
        .map(|name| reply.header(&format!("x-ratelimit-{name}")).map(|value| value.parse().unwrap()))
}

fn events(count: usize) -> String {
    format!(r#"{{"events":[{}]}}"#, vec![r#"{"event":"a"}"#; count].join(","))
}

async fn metric(server: &Server, name: &str) -> f64 {
    let text = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_again_before_its_body_is_read() {
    let server = Server::start(&[
        ("limits.address_requests_per_second", "1"),
        ("limits.address_requests_burst", "3"),
        ("limits.private_addresses", "limit"),
    ])
    .await;
    for left in [2, 1, 0] {
        let reply = server.post(EVENT).await;
        let [limit, remaining, reset] = quota(&reply);
        assert_eq!((reply.status.as_u16(), limit, remaining), (200, Some(3), Some(left)));
        assert!((1..=3).contains(&reset.unwrap()));
    }
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    let head = "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\norigin: https://a.example\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut reply)).await.unwrap().unwrap();
    let reply = String::from_utf8_lossy(&reply[..read]).into_owned();
    assert!(reply.starts_with("HTTP/1.1 429 ") && reply.contains("rate_limited"), "{reply}");

    let refused = server.post(EVENT).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "rate_limited"));
    assert_eq!(quota(&refused)[..2], [Some(3), Some(0)]);
    let wait = refused.json()["retry_after_ms"].as_u64().unwrap();
    assert!((1..=2000).contains(&wait), "{wait}");
    assert_eq!(refused.header("retry-after").unwrap().parse::<u64>().unwrap(), wait.div_ceil(1000));
    assert!(refused.json()["reason"].as_str().unwrap().contains("from this address"));
    assert_eq!(metric(&server, "footfall_rate_limited_total{of=\"address\"}").await, 2.0);

    // A client of Segment is told the same, in a body of its own form.
    let call = r#"{"event":"a","userId":"u"}"#;
    let refused = server.post_with("/v1/track", &[("authorization", "Basic cGtfZGVtbzo=")], call).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["success"]), (429, &false.into()));
    assert_eq!(quota(&refused)[..2], [Some(3), Some(0)]);
    let wait = refused.json()["retry_after_ms"].as_u64().unwrap();
    assert_eq!(refused.header("retry-after").unwrap().parse::<u64>().unwrap(), wait.div_ceil(1000));
}

#[tokio::test]
async fn private_addresses_are_exempt_where_nothing_else_is_said() {
    let server =
        Server::start(&[("limits.address_requests_per_second", "1"), ("limits.address_requests_burst", "1")])
            .await;
    for _ in 0..5 {
        let reply = server.post(EVENT).await;
        assert_eq!((reply.status.as_u16(), quota(&reply)), (200, [None; 3]));
    }
}

#[tokio::test]
async fn events_of_a_key_are_counted_one_by_one_and_each_site_has_its_own_rate() {
    let file = "[site.pk_free]\nevents_per_second = 'off'\n[site.pk_large]\nevents_per_second = 1\nevents_burst = 900\n\
                [site.pk_slow]\naddress_requests_per_second = 1\naddress_requests_burst = 1\n";
    let keys: &[&str] = &["pk_demo", "pk_free", "pk_large", "pk_slow"];
    let server = Server::start_from(
        &[
            ("write_key", keys),
            ("limits.key_events_per_second", &["1"]),
            ("limits.private_addresses", &["limit"]),
        ],
        Some(file),
    )
    .await;
    let post =
        async |key: &str, count| server.post_with(&format!("/v1/events?key={key}"), &[], events(count)).await;
    let first = post("pk_demo", 400).await;
    assert_eq!((first.status.as_u16(), quota(&first)[..2].to_vec()), (200, vec![Some(500), Some(100)]));
    let refused = post("pk_demo", 400).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "rate_limited"));
    assert!(refused.json()["reason"].as_str().unwrap().contains("with this write key"));
    assert!(refused.json()["retry_after_ms"].as_u64().unwrap() >= 290_000, "as long as 300 events take");
    assert_eq!(post("pk_demo", 90).await.status, 200, "a smaller batch still fits");
    for (key, count, status) in [
        ("pk_large", 500, 200),
        ("pk_large", 390, 200),
        ("pk_large", 100, 429),
        ("pk_slow", 1, 200),
        ("pk_slow", 1, 429),
    ] {
        assert_eq!(post(key, count).await.status, status, "{key} {count}");
    }
    for _ in 0..5 {
        assert_eq!(post("pk_free", 500).await.status, 200);
    }
    let inside = r#"{"write_key":"pk_demo","events":[]}"#
        .replace("[]", &format!("[{}]", vec![r#"{"event":"a"}"#; 20].join(",")));
    assert_eq!(server.post_with("/v1/events", &[], inside).await.status, 429, "a key in the body counts too");
    assert_eq!(metric(&server, "footfall_rate_limited_total{of=\"key\"}").await, 3.0);
}
