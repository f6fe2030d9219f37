//! What becomes of requests while the Redis that servers share is killed, paused, full or emptied, and when it is back.

use crate::support::program::Program;
use crate::support::redis::{Redis, memory};
use crate::support::{Reply, Server, send, until};
use footfall_event_model::uuid_v7;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn batch(id: &str, event_id: &str, asked: &[&str]) -> String {
    json!({"sent_at": now(), "batch_id": id, "unconfirmed": asked, "events": [{"event": "a", "event_id": event_id}]})
        .to_string()
}

/// A server that shares through `redis`, with these settings on top. It waits as long as it may, since a test's machine
/// may be busy.
async fn start(redis: &Redis, more: &[(&'static str, &str)]) -> Server {
    Server::start(&[&[("redis.url", redis.url().as_str()), ("redis.timeout", "1s")], more].concat()).await
}

/// Requests that came back: when, after how long, and with what.
type Replies = Vec<(Instant, Duration, Reply)>;

/// Posts batches, each with an id of its own, from a few clients until it is told to stop.
async fn load(
    server: &Server,
    clients: usize,
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<Replies>> {
    let number = Arc::new(AtomicUsize::new(0));
    let client = |_| {
        let (to, stop, number) = (server.public, Arc::clone(stop), Arc::clone(&number));
        tokio::spawn(async move {
            let mut replies = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let id = format!("{}-{}", to.port(), number.fetch_add(1, Ordering::Relaxed));
                let began = Instant::now();
                let reply = send(to, "POST", "/v1/events?key=pk_demo", &[], batch(&id, &id, &[])).await;
                replies.push((began, began.elapsed(), reply));
            }
            replies
        })
    };
    (0..clients).map(client).collect()
}

async fn all(clients: Vec<tokio::task::JoinHandle<Replies>>) -> Replies {
    let mut replies = Vec::new();
    for client in clients {
        replies.extend(client.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_under_load_costs_no_event_where_it_is_open_and_is_told_everything_when_it_is_back() {
    let mut redis = Redis::start();
    let servers = [start(&redis, &[]).await, start(&redis, &[]).await];
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = load(&servers[0], 4, &stop).await;
    clients.extend(load(&servers[1], 4, &stop).await);
    until(async || redis.keys().len() > 100).await;
    redis.kill();
    servers[0].until_metric("footfall_redis_connected 0").await;
    servers[1].until_metric("footfall_redis_connected 0").await;
    let away = now();
    let during = batch("during", "during", &[]);
    assert_eq!(servers[0].post(during.clone()).await.json()["accepted"], 1);
    let asked_while_away = servers[1].post(batch("ask", "ask", &["during"])).await.json();
    assert_eq!(asked_while_away["receipts"], Value::Null, "only the other server knows: it is asked again");
    redis.restart();
    for server in &servers {
        server.until_metric("footfall_redis_connected 1").await;
        server.until_metric("footfall_redis_untold_batches 0").await;
    }
    stop.store(true, Ordering::Relaxed);
    let replies = all(clients).await;
    let refused: Vec<_> = replies.iter().filter(|(.., reply)| reply.status != 200).collect();
    assert!(refused.is_empty(), "{} of {}: {:?}", refused.len(), replies.len(), refused[0]);
    let slowest = replies.iter().map(|(_, took, _)| *took).max().unwrap();
    println!("{} requests, the slowest {slowest:?}", replies.len());
    // What one server stored while Redis was away, the other one knows now.
    let told = servers[1].post(during).await.json();
    assert_eq!((&told["accepted"], &told["duplicate"]), (&json!(0), &json!(1)));
    // What was from before that, and Redis lost, is never called unseen.
    let before = uuid_v7(away - 1_000, &[1; 10]);
    let told = servers[1].post(batch("ask2", "ask2", &["during", &before])).await.json();
    assert_eq!(
        (&told["receipts"][0]["status"], &told["receipts"][1]["status"]),
        (&json!("stored"), &json!("expired"))
    );
    let ids: Vec<_> = servers.iter().flat_map(stored_ids).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "none was stored twice");
}

/// The ids of all events in a server's journal.
fn stored_ids(server: &Server) -> Vec<String> {
    let reader = footfall_delivery::journal::JournalReader::open(server.data_dir.path()).unwrap();
    let (mut ids, mut after) = (Vec::new(), 0);
    loop {
        let rows = reader.read_after(after, 1000).unwrap();
        let Some(last) = rows.last() else { return ids };
        after = last.seq;
        let id = |payload: &[u8]| {
            serde_json::from_slice::<Value>(payload).unwrap()["event_id"].as_str().unwrap().to_owned()
        };
        ids.extend(rows.iter().map(|row| id(&row.payload)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_under_load_refuses_in_words_where_it_is_closed_and_nothing_is_acknowledged_twice() {
    let mut redis = Redis::start();
    let server = start(&redis, &[("redis.on_failure", "closed")]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = load(&server, 4, &stop).await;
    until(async || redis.keys().len() > 100).await;
    redis.kill();
    until(async || server.get("/readyz").await.status != 200).await;
    let reply = server.get("/readyz").await;
    assert_eq!(&reply.body[..], b"not ready: Redis is away, and redis.on_failure is closed\n");
    let refused = server.post(batch("during", "during", &[])).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "redis_unavailable"));
    assert!((1..=2).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    let without_ids = server.post(r#"{"events":[{"event":"a"}]}"#).await;
    assert_eq!(without_ids.code(), "redis_unavailable", "nothing is taken");
    redis.restart();
    until(async || server.get("/readyz").await.status == 200).await;
    assert_eq!(server.post(batch("during", "during", &[])).await.json()["accepted"], 1);
    stop.store(true, Ordering::Relaxed);
    let replies = all(clients).await;
    let accepted = replies.iter().filter(|(.., reply)| reply.status == 200).count();
    for (.., reply) in replies.iter().filter(|(.., reply)| reply.status != 200) {
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "redis_unavailable"));
    }
    assert!(accepted > 30 && accepted < replies.len(), "{accepted} of {}", replies.len());
    assert_eq!(stored_ids(&server).len(), accepted + 1);
    server
        .until_metric(&format!(
            "footfall_requests_total{{code=\"redis_unavailable\"}} {}",
            replies.len() - accepted + 2
        ))
        .await;
}

/// How many commands of requests got no answer in time.
async fn timeouts(server: &Server) -> u64 {
    let text = server.metrics().await;
    let counted = text.lines().filter(|line| {
        line.starts_with("footfall_redis_commands_total{")
            && line.contains("timeout")
            && !line.contains("probe")
    });
    counted.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_paused_costs_each_request_one_wait_at_most_and_none_once_it_is_known() {
    const PAUSE: Duration = Duration::from_secs(6);
    for on_failure in ["open", "closed"] {
        let redis = Redis::start();
        let server = start(&redis, &[("redis.on_failure", on_failure)]).await;
        let stop = Arc::new(AtomicBool::new(false));
        let clients = load(&server, 8, &stop).await;
        until(async || redis.keys().len() > 100).await;
        let before = timeouts(&server).await;
        redis.pause();
        let paused = Instant::now();
        server.until_metric("footfall_redis_connected 0").await;
        let (away, waited) = (Instant::now(), timeouts(&server).await - before);
        // Long enough for several attempts to reach it.
        while paused.elapsed() < PAUSE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let late = timeouts(&server).await - before;
        redis.resume();
        server.until_metric("footfall_redis_connected 1").await;
        stop.store(true, Ordering::Relaxed);
        let replies = all(clients).await;
        assert!((1..=8).contains(&waited) && late <= 8, "one for each client at most: {waited}, {late}");
        let mut during =
            replies.iter().filter(|(began, ..)| *began > paused && *began < paused + PAUSE / 2).peekable();
        assert!(during.peek().is_some());
        // One without a limit would have taken longer than the rest of the pause.
        assert!(during.all(|(_, took, _)| *took < PAUSE / 2));
        let mut known =
            replies.iter().filter(|(began, ..)| *began > away && *began < paused + PAUSE).peekable();
        assert!(known.peek().is_some());
        let status = if on_failure == "open" { 200 } else { 503 };
        assert!(known.all(|(.., reply)| reply.status == status), "{on_failure}");
    }
}

#[tokio::test]
async fn more_commands_than_the_bound_do_not_queue() {
    let redis = Redis::start();
    let (memory, _) = memory(&redis.url(), &[]).await;
    redis.pause();
    let asked = (0..1100).map(|_| memory.take_of_key("pk_demo", [1, 500], 1));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_err));
    let not_asked = answers.iter().filter(|answer| answer.is_err_and(|away| !away.asked)).count();
    assert_eq!(not_asked, 1100 - 1024);
}

#[tokio::test]
async fn a_redis_without_room_is_away_until_it_has_some() {
    let redis = Redis::start();
    let servers = [start(&redis, &[]).await, start(&redis, &[("redis.on_failure", "closed")]).await];
    redis.say(&["config", "set", "maxmemory", "1"]);
    assert_eq!(servers[0].post(batch("b1", "e1", &[])).await.json()["accepted"], 1);
    assert_eq!(servers[1].post(batch("b2", "e2", &[])).await.code(), "redis_unavailable");
    for server in &servers {
        server.until_metric("footfall_redis_connected 0").await;
    }
    redis.say(&["config", "set", "maxmemory", "0"]);
    for server in &servers {
        server.until_metric("footfall_redis_connected 1").await;
    }
    assert_eq!(servers[1].post(batch("b1", "e1", &[])).await.json()["duplicate"], 1, "it was told meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_once_that_redis_goes_and_once_that_it_is_back_and_never_the_password() {
    let mut redis = Redis::start_with(&["--requirepass", "hunter2x"]);
    let dir = tempfile::tempdir().unwrap();
    let url = format!("redis://:hunter2x@127.0.0.1:{}", redis.port);
    let start = |url: &str, more: &[&str]| {
        Program::start_in(dir.path(), more, &[("FOOTFALL_REDIS_URL", Path::new(url))])
    };
    let mut program = start(&url, &["--redis-timeout", "1s"]);
    assert!(program.start.contains("sharing with other servers through Redis"), "{}", program.start);
    assert_eq!(program.post(batch("b1", "e1", &[])).await.status, 200);
    redis.kill();
    for number in 0..50 {
        assert_eq!(program.post(batch(&format!("c{number}"), "e1", &[])).await.status, 200);
    }
    redis.restart();
    let log = program.log_until("Redis is back");
    program.signal("-TERM");
    let log = log + &program.end().1;
    let lines = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((lines("Redis is away"), lines("Redis is back")), (1, 1), "{log}");
    assert!(!log.contains("hunter2x"), "{log}");

    let url = format!("redis://:hunter3x@127.0.0.1:{}", redis.port);
    let program = start(&url, &["--log-format", "json"]);
    assert_eq!(program.post(batch("b2", "e2", &[])).await.json()["accepted"], 1);
    program.signal("-TERM");
    let log = program.start.clone() + &program.end().1;
    let away = log.lines().find(|line| line.contains("Redis is away")).unwrap();
    let said: Value = serde_json::from_str(away).unwrap();
    assert!(said["reason"].as_str().unwrap().to_lowercase().contains("password"), "{said}");
    assert!(!log.contains("hunter3x"), "{log}");
    let mut check = crate::support::program::footfall(&["check-config", "--write-key", "pk"]);
    let said = check.env("FOOTFALL_REDIS_URL", &url).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap() + &String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("redis.url = 127.0.0.1:") && !said.contains("hunter3x"), "{said}");
}
