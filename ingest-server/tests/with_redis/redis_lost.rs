//! A Redis that lost some or all of what servers share through it never lets a batch be called `unseen` that may be stored.

use crate::support::redis::Redis;
use crate::support::{Server, until};
use footfall_event_model::uuid_v7;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const EPOCH: &str = "footfall:{pk_demo}:epoch";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn batch(id: &str, asked: &[&str]) -> String {
    json!({"sent_at": now(), "batch_id": id, "unconfirmed": asked, "events": [{"event": "a", "event_id": id}]})
        .to_string()
}

async fn new_server(redis: &Redis) -> Server {
    Server::start(&[("redis.url", &redis.url()), ("redis.timeout", "1s")]).await
}

/// What is said of a batch of 20 seconds ago that nobody has.
async fn asked(server: &Server) -> Value {
    let id = uuid_v7(now() - 20_000, &[1; 10]);
    let told = server.post(batch("ask", &[&id])).await.json();
    told["receipts"][0]["status"].clone()
}

/// Makes the memory ten minutes old, whereupon what it does not have is called `unseen`.
async fn grown_old(redis: &Redis, server: &Server) {
    asked(server).await;
    // The server looks at Redis once a second, and writes down its state.
    until(async || redis.keys().iter().any(|key| key.ends_with(":state"))).await;
    redis.age("pk_demo", 600);
    until(async || asked(server).await == "unseen").await;
}

#[tokio::test]
async fn one_that_was_emptied_knows_at_once_that_it_was() {
    let redis = Redis::start();
    let server = new_server(&redis).await;
    grown_old(&redis, &server).await;
    redis.say(&["flushall"]);
    assert_eq!(asked(&server).await, "expired", "the site's epoch is gone with its ids");
}

#[tokio::test]
async fn one_that_gives_up_keys_for_room_may_have_given_up_ids() {
    let redis = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let server = new_server(&redis).await;
    grown_old(&redis, &server).await;
    let epoch = redis.say(&["get", EPOCH]);
    redis.say(&["config", "set", "maxmemory", "1"]);
    redis.say(&["config", "set", "maxmemory", "0"]);
    assert!(!redis.say(&["info", "stats"]).contains("evicted_keys:0\r\n"));
    // As if it had given up ids and not this.
    redis.say(&["set", EPOCH, &epoch, "px", "86400000"]);
    until(async || asked(&server).await == "expired").await;
    assert_eq!(redis.say(&["get", EPOCH]), epoch);
}

#[tokio::test]
async fn one_that_comes_back_with_its_data_may_lack_the_last_of_it() {
    let mut redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let server = new_server(&redis).await;
    server.post(batch("b1", &[])).await;
    grown_old(&redis, &server).await;
    let epoch = redis.say(&["get", EPOCH]);
    redis.kill();
    server.until_metric("footfall_redis_connected 0").await;
    redis.restart();
    server.until_metric("footfall_redis_connected 1").await;
    assert_eq!(redis.say(&["get", EPOCH]), epoch, "the data is there");
    assert_eq!(asked(&server).await, "expired");
    let other = new_server(&redis).await;
    assert_eq!(other.post(batch("b1", &[])).await.json()["duplicate"], 1);
    assert_eq!(asked(&other).await, "expired", "who starts later is told so too");
}
