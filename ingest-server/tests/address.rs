//! Whose request it is, and what is kept of that: what came over a real socket, and the record that follows.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use serde_json::{Value, json};
use support::{Server, stored};

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

/// The `client` of the record that each of these requests became.
async fn clients(settings: &[(&'static str, &[&str])], requests: &[&[(&str, &str)]]) -> Vec<Value> {
    let server = Server::start_with(settings).await;
    for headers in requests {
        let reply = server.post_with("/v1/events?key=pk_demo", headers, EVENT).await;
        assert_eq!(reply.code(), "ok", "{headers:?}");
    }
    let (ended, dir) = server.stop().await;
    ended.unwrap();
    stored(dir.path()).into_iter().map(|record| record["client"].clone()).collect()
}

#[tokio::test]
async fn nobody_is_believed_unless_the_settings_say_so() {
    let spoofed: &[(&str, &str)] = &[
        ("x-forwarded-for", "198.51.100.1"),
        ("forwarded", "for=198.51.100.1"),
        ("x-real-ip", "198.51.100.1"),
        ("cf-connecting-ip", "198.51.100.1"),
        ("true-client-ip", "198.51.100.1"),
    ];
    let kept = clients(&[("privacy.address", &["full"])], &[spoofed]).await;
    assert_eq!(kept, [json!({"address": "127.0.0.1", "address_policy": "full"})]);
    let others: &[&str] = &["10.0.0.0/8", "::1"];
    let kept = clients(&[("privacy.address", &["full"]), ("proxies.trusted", others)], &[spoofed]).await;
    assert_eq!(kept, [json!({"address": "127.0.0.1", "address_policy": "full"})]);
}

#[tokio::test]
async fn the_client_is_the_rightmost_hop_that_is_not_trusted() {
    let settings: &[(_, &[&str])] =
        &[("privacy.address", &["full"]), ("proxies.trusted", &["127.0.0.0/8", "10.0.0.0/8"])];
    let kept = clients(
        settings,
        &[
            &[("x-forwarded-for", "192.0.2.66, 198.51.100.1, 10.0.0.2")],
            &[("x-forwarded-for", "192.0.2.66"), ("x-forwarded-for", "[2001:db8::9]:51, 10.0.0.2")],
            &[("x-forwarded-for", "198.51.100.1, unknown")],
            &[("forwarded", "for=198.51.100.1")],
        ],
    )
    .await;
    let addresses: Vec<_> = kept.iter().map(|client| client["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["198.51.100.1", "2001:db8::9", "127.0.0.1", "127.0.0.1"]);
}

#[tokio::test]
async fn the_policy_is_applied_to_the_client_and_not_to_the_proxy() {
    let settings: &[(_, &[&str])] =
        &[("proxies.trusted", &["127.0.0.1"]), ("proxies.header", &["Forwarded"])];
    let kept = clients(settings, &[&[("forwarded", "for=\"[2001:db8:1:2::3]:4\";proto=https")]]).await;
    assert_eq!(kept, [json!({"address": "2001:db8:1::", "address_policy": "truncate"})]);
}
