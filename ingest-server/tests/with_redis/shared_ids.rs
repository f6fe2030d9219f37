//! What one server is told of ids that another one holds, loses or has stored in part, through a real Redis.
//! The other server is played by its end of the shared memory, so that each moment can be held still.

use crate::support::redis::{Redis, memory};
use crate::support::{Server, stored, until};
use footfall_event_model::uuid_v7;
use ingest_server::receipts::EventSet;
use ingest_server::shared::{BatchFate, BatchReserved, Holding, SharedMemory};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SITE: &str = "pk_demo";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn batch(id: &str, events: &[&str], asked: &[&str]) -> String {
    let events: Vec<_> =
        events.iter().map(|event| json!({"event": event, "event_id": format!("id_{event}")})).collect();
    json!({"sent_at": now(), "batch_id": id, "unconfirmed": asked, "events": events}).to_string()
}

fn set(places: &[u32]) -> EventSet {
    let mut set = EventSet::default();
    places.iter().for_each(|&place| set.insert(place));
    set
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(5)
}

async fn server(redis: &Redis) -> Server {
    Server::start(&[("redis.url", &redis.url()), ("redis.timeout", "1s")]).await
}

/// What another server holds that is storing a batch of these events.
async fn holding(memory: &Arc<SharedMemory>, batch_id: &str, event_ids: &[&str]) -> Holding {
    let mut holding = memory.hold(SITE);
    assert_eq!(
        holding.reserve_batch(batch_id, soon()).await.unwrap(),
        BatchReserved::Ours(EventSet::default())
    );
    let ids = (0..).zip(event_ids.iter().copied());
    assert!(holding.reserve_events(ids, soon()).await.unwrap().is_empty());
    holding
}

async fn asked(server: &Server, id: &str) -> Option<String> {
    let told = server.post(batch("ask", &[], &[id])).await.json();
    told["receipts"].as_array().map(|all| all[0]["status"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_copy_waits_for_what_another_server_makes_of_the_first_one() {
    let redis = Redis::start();
    let (other, _) = memory(&redis.url(), &[]).await;
    let server = server(&redis).await;
    // The same batch, and another one that has an event of it.
    for (event, copy_id, is_stored) in
        [("a", "a", true), ("b", "b", false), ("c", "x", true), ("d", "y", false)]
    {
        let first = holding(&other, event, &[&format!("id_{event}")]).await;
        let copy = server.post(batch(copy_id, &[event], &[]));
        tokio::pin!(copy);
        assert!(tokio::time::timeout(Duration::from_millis(150), &mut copy).await.is_err(), "it waits");
        if is_stored {
            first.settle(BatchFate::Known, |_| true).await;
        } else {
            drop(first);
        }
        let told = copy.await.json();
        let expected = if is_stored { (0, 1) } else { (1, 0) };
        assert_eq!(
            (&told["accepted"], &told["duplicate"]),
            (&json!(expected.0), &json!(expected.1)),
            "{told}"
        );
    }
    assert_eq!(stored(server.data_dir.path()).len(), 2);
}

#[tokio::test]
async fn no_wait_for_another_server_is_without_end_and_its_sender_asks_again() {
    let redis = Redis::start();
    let (other, _) = memory(&redis.url(), &[]).await;
    let server = server(&redis).await;
    let _held = holding(&other, "b1", &["id_a"]).await;
    let began = Instant::now();
    let reply = server.post(batch("b1", &["a"], &[])).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "in_flight"));
    assert!(reply.header("retry-after").is_some());
    assert!((4..9).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(asked(&server, "b1").await, None);
    assert!(stored(server.data_dir.path()).is_empty());
}

#[tokio::test]
async fn of_a_batch_whose_server_went_down_nobody_knows_and_a_copy_is_stored() {
    let redis = Redis::start();
    let (other, _) = memory(&redis.url(), &[]).await;
    let server = server(&redis).await;
    let id = uuid_v7(now(), &[7; 10]);
    // It ends without a word.
    std::mem::forget(holding(&other, &id, &["id_a"]).await);
    redis.age(SITE, 600);
    let key = |kind: &str| redis.keys().into_iter().find(|key| key.contains(kind)).unwrap();
    let (batch_key, event_key) = (key("}:b:"), key("}:e:"));
    let lease: i64 = redis.say(&["pttl", &event_key]).parse().unwrap();
    assert!((25_000..=30_000).contains(&lease), "longer than any store takes, and not for ever: {lease}");
    // As if that time had passed.
    let held = redis.say(&["get", &batch_key]);
    let (token, until) = held.split_once(' ').unwrap();
    let past = until.trim().parse::<u64>().unwrap() - 60_000;
    redis.say(&["set", &batch_key, &format!("{token} {past} "), "keepttl"]);
    redis.say(&["del", &event_key]);
    assert_eq!(asked(&server, &id).await.as_deref(), Some("expired"));
    assert_eq!(server.post(batch(&id, &["a"], &[])).await.json()["accepted"], 1);
    assert_eq!(asked(&server, &id).await.as_deref(), Some("stored"));
}

#[tokio::test]
async fn of_a_batch_that_another_server_stored_in_part_the_rest_is_stored() {
    let redis = Redis::start();
    let (other, _) = memory(&redis.url(), &[]).await;
    let server = server(&redis).await;
    let first = holding(&other, "b1", &["id_a", "id_b", "id_c"]).await;
    first.settle(BatchFate::Part(set(&[0, 2])), |place| place != 1).await;
    assert_eq!(asked(&server, "b1").await.as_deref(), Some("unseen"), "it is to be sent again");
    // A copy that fails takes nothing away from what is known.
    let mut failed = other.hold(SITE);
    let reserved = failed.reserve_batch("b1", soon()).await.unwrap();
    assert_eq!(reserved, BatchReserved::Ours(set(&[0, 2])));
    failed.settle(BatchFate::Released, |_| false).await;
    let told = server.post(batch("b1", &["a", "b", "c"], &[])).await.json();
    assert_eq!((&told["accepted"], &told["duplicate"]), (&json!(1), &json!(2)));
    assert_eq!(stored(server.data_dir.path())[0]["event"], "b");
    assert_eq!(other.hold(SITE).reserve_batch("b1", soon()).await.unwrap(), BatchReserved::Known);
}

#[tokio::test]
async fn a_batch_that_a_store_may_have_is_expired_for_all_servers_until_it_is_stored() {
    let redis = Redis::start();
    let (other, _) = memory(&redis.url(), &[]).await;
    let server = server(&redis).await;
    let id = uuid_v7(now(), &[7; 10]);
    holding(&other, &id, &["id_a"]).await.settle(BatchFate::Doubt, |_| false).await;
    redis.age(SITE, 600);
    for _ in 0..2 {
        assert_eq!(asked(&server, &id).await.as_deref(), Some("expired"));
        // A copy that fails makes it no surer.
        holding(&other, &id, &["id_a"]).await.settle(BatchFate::Released, |_| false).await;
    }
    assert_eq!(server.post(batch(&id, &["a"], &[])).await.json()["accepted"], 1);
    assert_eq!(asked(&server, &id).await.as_deref(), Some("stored"));
}

#[tokio::test]
async fn what_one_servers_store_fails_to_take_is_free_for_the_others() {
    let redis = Redis::start();
    let url = redis.url();
    let bound = [("journal.max_bytes", "1MiB"), ("journal.retention_bytes", "off")];
    let full = Server::start(&[&bound[..], &[("redis.url", &url), ("redis.timeout", "1s")]].concat()).await;
    let other = server(&redis).await;
    let failed = uuid_v7(now(), &[2; 10]);
    let filler = "x".repeat(30_000);
    let large =
        json!({"events": vec![json!({"event": "fill", "properties": {"a": filler}}); 10]}).to_string();
    while full.post(large.clone()).await.status == 200 {}
    let refused = large.replacen('{', &format!(r#"{{"batch_id":"{failed}","#), 1);
    assert_eq!(full.post(refused).await.code(), "journal_full");
    redis.age(SITE, 600);
    until(async || asked(&other, &failed).await.as_deref() == Some("unseen")).await;
    assert_eq!(other.post(batch(&failed, &["b"], &[])).await.json()["accepted"], 1);
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again_and_strange_data_concerns_its_key_alone() {
    let redis = Redis::start();
    let servers = [server(&redis).await, server(&redis).await];
    assert_eq!(servers[0].post(batch("b1", &["a"], &[])).await.json()["accepted"], 1);
    redis.say(&["script", "flush"]);
    assert_eq!(servers[0].post(batch("b2", &["a"], &[])).await.json()["duplicate"], 1);
    let keys = redis.keys();
    let key = keys.iter().find(|key| key.contains("}:b:")).unwrap();
    redis.say(&["del", key]);
    redis.say(&["rpush", key, "somebody else's"]);
    // One of the two is that batch.
    for id in ["b1", "b2"] {
        assert_eq!(
            servers[1].post(batch(id, &["a"], &[])).await.json()["duplicate"],
            1,
            "its event is known"
        );
    }
    servers[1].until_metric("footfall_redis_lost_batches_total 1").await;
    servers[1].until_metric("footfall_redis_connected 1").await;
    servers[1]
        .until_metric("footfall_redis_commands_total{command=\"reserve_batch\",result=\"error\"} 1")
        .await;
}

/// The largest batch, which Redis is told of in several commands.
const LARGEST: u32 = 2_500;

#[tokio::test]
async fn of_the_largest_batch_all_is_stored_once_and_no_command_is_long() {
    let redis = Redis::start();
    let servers = [server(&redis).await, server(&redis).await];
    let calls: Vec<_> = (0..LARGEST)
        .map(|number| json!({"type": "track", "event": "a", "messageId": format!("id_{number}")}))
        .collect();
    let body = json!({"batch": calls, "writeKey": SITE}).to_string();
    for (server, status) in servers.iter().zip(["accepted", "duplicate"]) {
        let reply =
            server.post_with("/v1/batch", &[("content-type", "application/json")], body.clone()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        server.until_metric(&format!("footfall_events_total{{status=\"{status}\"}} {LARGEST}")).await;
        let line = "footfall_redis_commands_total{command=\"reserve_events\",result=\"ok\"} 5";
        server.until_metric(line).await;
    }
}

#[tokio::test]
async fn a_large_batch_that_waits_for_one_event_holds_none_of_the_others() {
    let redis = Redis::start();
    let (first, second) = (memory(&redis.url(), &[]).await.0, memory(&redis.url(), &[]).await.0);
    let names: Vec<_> = (0..LARGEST).map(|number| format!("id_{number}")).collect();
    let ids = || (0..).zip(names.iter().map(String::as_str));
    // Whichever command it comes in.
    for busy in [0, 700, 2_499] {
        let held = holding(&first, &format!("b{busy}"), &[&names[busy]]).await;
        let mut waits = second.hold(SITE);
        let at_once = tokio::time::Instant::now();
        assert!(waits.reserve_events(ids(), at_once).await.is_err());
        let events = redis.keys().into_iter().filter(|key| key.contains("}:e:"));
        assert_eq!(events.count(), 1, "the one that it waits for");
        held.settle(BatchFate::Released, |_| false).await;
    }
    // One that was stored before, and the rest in order.
    holding(&first, "b", &["id_700"]).await.settle(BatchFate::Known, |_| true).await;
    let mut large = second.hold(SITE);
    assert_eq!(large.reserve_events(ids(), soon()).await.unwrap(), [700]);
    large.settle(BatchFate::Known, |place| place != 3).await;
    let mut copy = first.hold(SITE);
    let copies: Vec<_> = (0..LARGEST).filter(|place| *place != 3).collect();
    assert_eq!(copy.reserve_events(ids(), soon()).await.unwrap(), copies);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Each event is stored exactly once as long as its batches fail or succeed as a whole, on whichever of two servers
    /// its copies come.
    #[test]
    fn of_all_copies_on_two_servers_one_is_stored(batches in prop::collection::vec(
        (prop::collection::btree_set(0..12_u8, 1..6), any::<bool>(), 0..2_usize), 1..16,
    )) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let redis = Redis::start();
            let servers = [memory(&redis.url(), &[]).await.0, memory(&redis.url(), &[]).await.0];
            let (mut stored, mut wanted) = ([0; 12], [false; 12]);
            for (events, works, server) in &batches {
                let names: Vec<String> = events.iter().map(u8::to_string).collect();
                let ids = (0..).zip(names.iter().map(String::as_str));
                let mut holding = servers[*server].hold(SITE);
                let copies = holding.reserve_events(ids, soon()).await.unwrap();
                for (place, event) in (0..).zip(events) {
                    stored[usize::from(*event)] += usize::from(*works && !copies.contains(&place));
                    wanted[usize::from(*event)] |= *works;
                }
                holding.settle(BatchFate::Released, |_| *works).await;
            }
            for (stored, wanted) in stored.into_iter().zip(wanted) {
                assert_eq!(stored, usize::from(wanted));
            }
        });
    }
}
