//! Several servers that share through a real Redis: one bucket, one window of event ids, one memory of batches.

use crate::support::batches::{batch, new_id, now};
use crate::support::redis::Redis;
use crate::support::{Reply, Server, stored};
use footfall_event_model::uuid_v7;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

/// So many servers that share through `redis`, with these settings on top.
async fn servers(redis: &Redis, count: usize, more: &[(&'static str, &str)]) -> Vec<Server> {
    let (mut servers, url) = (Vec::new(), redis.url());
    for _ in 0..count {
        // Nothing is to be away here, however busy the machine is.
        let shared = [("redis.url", url.as_str()), ("redis.timeout", "1s")];
        servers.push(Server::start(&[&shared, more].concat()).await);
    }
    servers
}

fn statuses(reply: &Reply) -> Vec<String> {
    let told = reply.json();
    let receipts = told["receipts"].as_array().unwrap_or_else(|| panic!("{told}"));
    receipts.iter().map(|receipt| receipt["status"].as_str().unwrap().to_owned()).collect()
}

fn names(servers: &[Server]) -> Vec<String> {
    let records = servers.iter().flat_map(|server| stored(server.data_dir.path()));
    let mut names: Vec<_> = records.map(|record| record["event"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn three_servers_have_one_bucket_for_a_key() {
    let redis = Redis::start();
    let limits = [("limits.key_events_per_second", "1"), ("limits.key_events_burst", "500")];
    let servers = servers(&redis, 3, &limits).await;
    let hundred = format!(r#"{{"events":[{}]}}"#, vec![r#"{"event":"a"}"#; 100].join(","));
    for turn in 0..9 {
        let reply = servers[turn % 3].post(hundred.clone()).await;
        assert_eq!(reply.header("x-ratelimit-limit"), Some("500"));
        let remaining: usize = reply.header("x-ratelimit-remaining").unwrap().parse().unwrap();
        if turn < 5 {
            assert_eq!(reply.status, 200);
            assert!((400 - 100 * turn..410 - 100 * turn).contains(&remaining), "turn {turn}: {remaining}");
        } else {
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (429, "rate_limited"), "turn {turn}");
            let wait = reply.json()["retry_after_ms"].as_u64().unwrap();
            assert!((500..=200_000).contains(&wait) && remaining < 10, "{wait} {remaining}");
        }
    }
}

#[tokio::test]
async fn three_servers_have_one_bucket_for_an_address_and_a_flood_costs_redis_nothing() {
    let redis = Redis::start();
    let limits = [
        ("limits.address_requests_per_second", "1"),
        ("limits.address_requests_burst", "50"),
        ("limits.private_addresses", "limit"),
    ];
    let servers = servers(&redis, 3, &limits).await;
    let mut passed = 0;
    for turn in 0..120 {
        let reply = servers[turn % 3].post(EVENT).await;
        assert_eq!(reply.header("x-ratelimit-limit"), Some("50"));
        passed += usize::from(reply.status == 200);
        if reply.status != 200 {
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (429, "rate_limited"));
            assert!(reply.json()["reason"].as_str().unwrap().contains("from this address"));
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() <= 2);
        }
    }
    assert!((50..70).contains(&passed), "{passed} passed");
    let mut asked = 0;
    for server in &servers {
        let text = server.metrics().await;
        let line = text.lines().find_map(|line| {
            line.strip_prefix("footfall_redis_commands_total{command=\"take_tokens\",result=\"ok\"} ")
        });
        asked += line.unwrap().parse::<usize>().unwrap();
    }
    assert!(asked < 80, "{asked} of 120 requests asked Redis");
    let addresses: Vec<_> = redis.keys().into_iter().filter(|key| key.contains("{address:")).collect();
    assert!(addresses.len() == 1 && !addresses[0].contains("127"), "{addresses:?}");
}

#[tokio::test]
async fn an_event_that_one_server_stored_is_a_duplicate_for_the_others() {
    let redis = Redis::start();
    let servers = servers(&redis, 3, &[]).await;
    assert_eq!(servers[0].post(batch("b1", &["a", "b"], &[])).await.json()["accepted"], 2);
    let told = servers[1].post(batch("b2", &["c", "a", "d"], &[])).await.json();
    assert_eq!((&told["accepted"], &told["duplicate"]), (&json!(2), &json!(1)));
    assert_eq!(told["events"], json!([{"index": 1, "event_id": "id_a", "status": "duplicate"}]));
    for server in &servers {
        let told = server.post(batch("b2", &["c", "a", "d"], &[])).await.json();
        assert_eq!(
            (&told["accepted"], &told["duplicate"], &told["code"]),
            (&json!(0), &json!(3), &json!("ok"))
        );
        let told = server.post(batch("b3", &["d", "b"], &[])).await.json();
        assert_eq!((&told["accepted"], &told["duplicate"]), (&json!(0), &json!(2)));
    }
    assert_eq!(names(&servers), ["a", "b", "c", "d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_come_to_several_servers_at_once_are_stored_once() {
    let redis = Redis::start();
    let servers = servers(&redis, 3, &[]).await;
    let events: Vec<_> = (0..40).map(|number| format!("e{number}")).collect();
    let mut copies = Vec::new();
    for (number, server) in (0..36).zip(servers.iter().cycle()) {
        // Batches of ids of their own that share events, and copies of one.
        let mine: Vec<_> =
            events.iter().skip(number % 7).step_by(1 + number % 3).map(String::as_str).collect();
        let id = format!("b{}", number % 12);
        let body = if number % 12 < 4 {
            batch(&id, &["x", "y"], &[])
        } else {
            batch(&format!("c{number}"), &mine, &[])
        };
        copies.push(server.post(body));
    }
    let replies = futures_util::future::join_all(copies).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    let accepted: u64 = replies.iter().map(|reply| reply.json()["accepted"].as_u64().unwrap()).sum();
    let stored = names(&servers);
    let different: BTreeSet<_> = stored.iter().collect();
    assert_eq!((stored.len(), accepted), (different.len(), stored.len() as u64), "{stored:?}");
    assert!(stored.len() > 30 && different.contains(&"x".to_owned()));
    let text = servers[0].metrics().await;
    assert!(text.contains("footfall_redis_commands_total{command=\"settle\",result=\"ok\"}"), "{text}");
    assert!(!text.contains("result=\"timeout\"") && !text.contains("result=\"error\""), "{text}");
}

#[tokio::test]
async fn a_batch_that_one_server_stored_is_stored_unseen_or_expired_when_another_is_asked() {
    let redis = Redis::start();
    let servers = servers(&redis, 2, &[]).await;
    let [came, never] = [new_id(1), new_id(2)];
    servers[0].post(batch(&came, &["a"], &[])).await;
    let asked = [came.as_str(), &never, "no time in it"];
    let reply = servers[1].post(batch("ask1", &[], &asked)).await;
    assert_eq!(statuses(&reply), ["stored", "expired", "expired"], "the memory has only just begun");

    redis.age("pk_demo", 600);
    let old = uuid_v7(now() - 620_000, &[3; 10]);
    let young = uuid_v7(now() - 580_000, &[4; 10]);
    let asked = [came.as_str(), &never, &old, &young];
    // Each server looks at Redis once a second.
    let told = async {
        loop {
            let told = statuses(&servers[1].post(batch("ask2", &[], &asked)).await);
            if told[1] == "unseen" {
                break told;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
    assert_eq!(told, ["stored", "unseen", "expired", "unseen"]);
    // What was called unseen comes again, to the one or the other.
    assert_eq!(servers[0].post(batch(&never, &["b"], &[])).await.json()["accepted"], 1);
    assert_eq!(servers[1].post(batch(&never, &["b"], &[])).await.json()["duplicate"], 1);
    assert_eq!(names(&servers), ["a", "b"]);
}

#[tokio::test]
async fn what_is_not_shared_stays_each_servers_own() {
    let redis = Redis::start();
    let off = [("redis.event_ids", "off"), ("redis.limits", "off")];
    let servers = servers(&redis, 2, &off).await;
    for (turn, server) in servers.iter().enumerate() {
        let told = server.post(batch(&format!("b{turn}"), &["a"], &[])).await.json();
        assert_eq!(told["accepted"], 1);
    }
    assert_eq!(servers[1].post(batch("b0", &["z"], &[])).await.json()["duplicate"], 1, "batches are shared");
    let keys = redis.keys();
    assert!(keys.iter().all(|key| !key.contains("}:e:") && !key.contains("address")), "{keys:?}");
}

#[tokio::test]
async fn every_key_ends_by_itself_and_no_id_and_no_address_stands_in_one() {
    let redis = Redis::start();
    let more = [
        ("limits.private_addresses", "limit"),
        ("limits.address_requests_per_second", "1"),
        ("limits.key_events_per_second", "1"),
        ("redis.prefix", "shop/"),
    ];
    let servers = servers(&redis, 1, &more).await;
    servers[0].post(batch("batch_of_ann", &["a"], &["other"])).await;
    let keys = redis.keys();
    assert_eq!(keys.len(), 7, "{keys:?}");
    for key in keys {
        let left: i64 = redis.say(&["pttl", &key]).parse().unwrap();
        assert!(left != -1 && left <= 48 * 3600 * 1000, "{key} {left}");
        let said = key.clone() + &redis.say(&["get", &key]);
        assert!(key.starts_with("shop/{"), "{key}");
        assert!(!["ann", "id_a", "127.0"].iter().any(|secret| said.contains(secret)), "{said}");
    }
}

#[tokio::test]
async fn without_redis_there_is_nothing_of_it() {
    let server = Server::start(&[]).await;
    server.post(EVENT).await;
    let text = server.metrics().await;
    assert!(!text.contains("redis"), "{text}");
}

/// Ids of one site say nothing of another's.
#[tokio::test]
async fn sites_keep_apart() {
    let redis = Redis::start();
    let url = redis.url();
    let more: [(&'static str, &[&str]); 2] =
        [("redis.url", &[url.as_str()]), ("write_key", &["pk_demo", "pk_other"])];
    let servers = [Server::start_with(&more).await, Server::start_with(&more).await];
    let body = batch("b1", &["a"], &[]);
    assert_eq!(servers[0].post(body.clone()).await.json()["accepted"], 1);
    let other: Value = servers[1].post_with("/v1/events?key=pk_other", &[], body.clone()).await.json();
    assert_eq!(other["accepted"], 1);
    assert_eq!(servers[1].post(body).await.json()["duplicate"], 1);
}
