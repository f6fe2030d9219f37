//! `/debug/events`: what is shown of one site, what never is, and how much of it.

use crate::support::live::{Shown, ask, watch};
use crate::support::{Server, send};
use serde_json::{Value, json};

/// The kinds and, of each, one field.
fn told<'a>(shown: &'a [Shown], field: &str) -> Vec<(&'a str, &'a Value)> {
    shown.iter().map(|shown| (shown.kind.as_str(), &shown.data[field])).collect()
}

#[tokio::test]
async fn accepted_and_refused_events_of_one_site_are_shown_with_the_reasons() {
    let server = Server::start_with(&[("write_key", &["pk_demo", "pk_other"])]).await;
    let mut early = watch(server.admin, "?write_key=pk_demo").await;
    let other = r#"{"events":[{"event":"other"},{"event":"OTHER"}]}"#;
    server.post_with("/v1/events?key=pk_other", &[], other).await;
    let body = r#"{"context":{"anonymous_id":"a1","user_signature":"s1gned"},"events":[{"event":"fine"},
        { "event" : "Post View", "event_id":"e1", "n": 1.50, "context":{"user_signature":"s1gned"} },
        7 ]}"#;
    let answer = server.post(body).await.json();
    assert_eq!((answer["accepted"].as_u64(), answer["invalid"].as_u64()), (Some(1), Some(2)));
    // Who comes late sees the same by `replay`.
    let mut late = watch(server.admin, "?write_key=pk_demo&replay=100").await;
    let shown = early.until(3).await.to_vec();
    assert_eq!(late.until(3).await, shown);
    let [first, second, third] = &shown[..] else { panic!("{shown:#?}") };
    let reason = &answer["events"][0]["reason"];
    assert!(reason.as_str().unwrap().starts_with("event name \"Post View\" is not allowed"));
    assert_eq!(first.kind, "refused");
    assert_eq!(
        first.data,
        json!({ "write_key": "pk_demo", "index": 1, "event_id": "e1", "status": "invalid", "code": "bad_name",
                "path": "event", "reason": reason, "step": "check",
                "event": { "event": "Post View", "event_id": "e1", "n": 1.50, "context": {} } })
    );
    assert_eq!((second.kind.as_str(), &second.data["event"]), ("refused", &json!(7)));
    assert_eq!((third.kind.as_str(), &third.data["event"]), ("accepted", &json!("fine")));
    assert!(first.id < second.id && second.id < third.id);
    assert!(!format!("{shown:?}").contains("s1gned"), "a signature is never shown");
    // What is said of an event can repeat much of it.
    let (long, before) = ("x".repeat(20_000), early.shown.len());
    server
        .post(format!(
            r#"{{"events":[{{"event":"a","event_id":"{long}","{long}":1,"properties":{{"{long}":{{}}}}}}]}}"#
        ))
        .await;
    server.post(format!(r#"{{"events":[{{"event":"{long}"}}],"context":{{"{long}":1}}}}"#)).await;
    for shown in &early.until(before + 2).await[before..] {
        assert!(shown.data.to_string().len() < 8_000, "{shown:?}");
    }
    // Who was away goes on where it was.
    let id = second.id.to_string();
    let mut back = ask(server.admin, "?write_key=pk_demo", &[("last-event-id", &id)]).await.ok().unwrap();
    assert_eq!(back.until(1).await.first(), Some(third));
    // One browser's own, whatever became of them.
    let second_browser = body.replace("a1", "a2").replace("fine", "finer");
    server.post(second_browser).await;
    let mut of_one = watch(server.admin, "?anonymous_id=a2&replay=100").await;
    assert_eq!(of_one.until(3).await.len(), 3);
    assert_eq!(of_one.shown[2].data["event"], "finer");
}

#[tokio::test]
async fn what_may_not_be_kept_is_not_shown_either() {
    let sites = "[site.pk_drop]\nanonymous = 'drop'\n[site.pk_hide]\nanonymous = 'anonymise'\n[site.pk_gpc]\ngpc = 'drop'\n";
    let keys: &[&str] = &["pk_demo", "pk_drop", "pk_hide", "pk_gpc"];
    let server = Server::start_from(&[("write_key", keys)], Some(sites)).await;
    let events =
        json!([{ "event": "B", "traits": { "name": "wh0" }, "context": { "session_id": "wh0" } }, ["wh0"]]);
    let body = json!({ "context": { "anonymous_id": "wh0" }, "events": events }).to_string();
    let post = async |key: &str, headers: &[(&str, &str)]| {
        server.post_with(&format!("/v1/events?key={key}"), headers, body.clone()).await.json()
    };
    assert_eq!(post("pk_demo", &[("sec-gpc", "1")]).await["invalid"], 2);
    assert_eq!(post("pk_drop", &[]).await["invalid"], 2);
    assert_eq!(post("pk_hide", &[]).await["invalid"], 2);
    assert_eq!(post("pk_gpc", &[("sec-gpc", "1")]).await["dropped"], 2);
    let segment = r#"{"type":"track","event":"?","userId":"wh0","context":{"ip":"192.0.2.7"}}"#;
    let (path, batch) = ("/v1/batch?key=pk_demo", format!(r#"{{"batch":[{segment}]}}"#));
    assert_eq!(server.post_with(path, &[("sec-gpc", "1")], batch).await.json()["invalid"], 1);
    let mut watcher = watch(server.admin, "?replay=100").await;
    let shown = watcher.until(9).await;
    let (hidden, nothing) = (json!({ "event": "B", "context": {} }), Value::Null);
    let call = json!({ "type": "track", "event": "?", "context": {} });
    let expected = [&hidden, &nothing, &nothing, &nothing, &hidden, &nothing, &nothing, &nothing, &call];
    assert_eq!(told(shown, "event"), expected.map(|event| ("refused", event)));
    assert!(!format!("{shown:?}").contains("wh0") && !format!("{shown:?}").contains("192.0.2"), "{shown:#?}");
    let step_and_code = |at: usize| (shown[at].data["step"].as_str(), shown[at].data["code"].as_str());
    assert_eq!(step_and_code(0), (Some("check"), Some("bad_name")));
    assert_eq!(step_and_code(6), (Some("policy"), Some("gpc")));
    server.post_with("/v1/events?key=pk_drop", &[], r#"{"events":[{"event":"a"}]}"#).await;
    let dropped = &watcher.until(10).await[9].data;
    assert_eq!((&dropped["status"], &dropped["code"]), (&json!("dropped"), &json!("anonymous")));
    // Nobody's browser was told, so nobody finds them by one.
    let mut of_one = watch(server.admin, "?anonymous_id=wh0&replay=100").await;
    server.post(r#"{"context":{"anonymous_id":"wh0"},"events":[{"event":"own"}]}"#).await;
    assert_eq!(told(of_one.until(1).await, "event"), [("accepted", &json!("own"))]);
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_shown_where_its_key_is_known() {
    let sites = "[site.pk_shop]\norigins = ['https://shop.example']\n";
    let keys: &[&str] = &["pk_demo", "pk_shop"];
    let more: &[(&'static str, &[&str])] = &[
        ("write_key", keys),
        ("limits.key_events_per_second", &["1"]),
        ("limits.key_events_burst", &["500"]),
    ];
    let server = Server::start_from(more, Some(sites)).await;
    let fine = r#"{"context":{"anonymous_id":"a1"},"events":[{"event":"a"}]}"#;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let in_the_body =
        format!(r#"{{"write_key":"pk_demo","events":[{}]}}"#, vec![r#"{"event":"a"}"#; 500].join(","));
    let large = "x".repeat(600 << 10);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let cases: [Case<'_>; 7] = [
        ("/v1/events?key=pk_demo", &[form], fine, 415, "unsupported_content_type"),
        ("/v1/events?key=pk_none", &[], fine, 401, "unknown_write_key"),
        ("/v1/events?key=pk_demo", &[], "{", 400, "not_json"),
        ("/v1/events?key=pk_demo", &[], &large, 413, "batch_too_large"),
        ("/v1/events?key=pk_shop", &[("origin", "https://other.example")], fine, 403, "origin_not_allowed"),
        ("/v1/events?key=pk_demo", &[], fine, 200, "ok"),
        ("/v1/events", &[], &in_the_body, 429, "rate_limited"),
    ];
    let mut answers = Vec::new();
    for (path, headers, body, status, code) in cases {
        let reply = server.post_with(path, headers, body.to_owned()).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code));
        if status != 200 && status != 401 {
            let (key, id) =
                (if path.contains("shop") { "pk_shop" } else { "pk_demo" }, reply.header("x-request-id"));
            answers.push((
                key.to_owned(),
                id.unwrap().to_owned(),
                status,
                code,
                reply.json()["reason"].clone(),
            ));
        }
    }
    let mut watcher = watch(server.admin, "?replay=100").await;
    let shown = watcher.until(6).await;
    let refused: Vec<_> = shown.iter().filter(|shown| shown.kind == "refused_batch").collect();
    assert_eq!((shown.len(), refused.len()), (6, 5));
    for ((key, request_id, status, code, reason), shown) in answers.iter().zip(refused) {
        let Shown { data, .. } = shown;
        assert_eq!((&data["write_key"], &data["request_id"]), (&json!(key), &json!(request_id)));
        assert_eq!((&data["status"], &data["code"]), (&json!(status), &json!(code)));
        assert_eq!(&data["reason"], reason);
    }
    // A visitor who may see the own events by their browser's id sees nobody else's requests.
    let mut of_one = watch(server.admin, "?anonymous_id=a1&replay=100").await;
    assert_eq!(told(of_one.until(1).await, "event"), [("accepted", &json!("a"))]);
}

#[tokio::test]
async fn a_flood_of_refusals_leaves_what_was_accepted_in_view() {
    let server = Server::start(&[]).await;
    server.post(r#"{"events":[{"event":"before"}]}"#).await;
    let began = std::time::Instant::now();
    for _ in 0..20 {
        let body = format!(r#"{{"events":[{}]}}"#, vec![r#"{"event":"B"}"#; 100].join(","));
        assert_eq!(server.post(body).await.json()["invalid"], 100);
    }
    for _ in 0..100 {
        assert_eq!(server.post("{").await.status, 400);
    }
    let seconds = began.elapsed().as_secs() as usize + 1;
    server.post(r#"{"events":[{"event":"after"}]}"#).await;
    let mut watcher = watch(server.admin, "?replay=1000").await;
    let last = |shown: &[Shown]| shown.last().is_some_and(|shown| shown.data["event"] == "after");
    let shown = watcher.until_shown(last).await;
    assert_eq!(told(&shown[..1], "event"), [("accepted", &json!("before"))]);
    let of = |kind: &str| shown.iter().filter(|shown| shown.kind == kind).count();
    assert!((50..=50 * (seconds + 1)).contains(&of("refused")), "{} in {seconds} s", of("refused"));
    assert!((10..=10 * (seconds + 1)).contains(&of("refused_batch")), "{}", of("refused_batch"));
    // What was left out is told with the next one that is shown, at the latest in the next second.
    let left_out = |shown: &[Shown]| {
        let refused = shown.iter().filter(|shown| shown.kind == "refused");
        refused.fold((0, 0), |(told, count), shown| {
            (told + shown.data["left_out"].as_u64().unwrap_or(0), count + 1)
        })
    };
    tokio::select! {
        shown = watcher.until_shown(|shown| { let (told, count) = left_out(shown); told + count > 2000 }) => {
            assert!(left_out(shown).0 > 0);
        }
        () = async { loop { server.post(r#"{"events":[{"event":"B"}]}"#).await; } } => unreachable!(),
    }
    assert_eq!(server.metrics().await.matches("footfall_events_total{status=\"accepted\"} 2").count(), 1);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_shown_too() {
    let server = Server::start(&[("journal.max_bytes", "1MiB"), ("journal.retention_bytes", "off")]).await;
    let filler = format!(r#"{{"events":[{{"event":"a","properties":{{"a":"{}"}}}}]}}"#, "x".repeat(30_000));
    let reply = loop {
        let reply = server.post(filler.clone()).await;
        if reply.status != 200 {
            break reply;
        }
    };
    let mut watcher = watch(server.admin, "?replay=1").await;
    let [batch] = watcher.until(1).await else { panic!() };
    assert_eq!((batch.kind.as_str(), &batch.data["status"]), ("refused_batch", &json!(503)));
    assert_eq!((&batch.data["code"], reply.code().as_str()), (&json!("journal_full"), "journal_full"));
}

#[tokio::test]
async fn what_is_asked_for_in_a_wrong_way_is_refused_in_words() {
    let server = Server::start(&[]).await;
    for (query, status, code, words) in [
        ("?write_key=pk_none", 404, "unknown_write_key", "there is no site with the write key \"pk_none\""),
        ("?replay=all", 400, "bad_query", "it must be write_key=KEY, anonymous_id=ID or replay=NUMBER"),
        ("?replay=-1", 400, "bad_query", "replay"),
    ] {
        let reply = ask(server.admin, query, &[]).await.err().unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{query}");
        let reason = reply.json()["reason"].clone();
        assert!(reason.as_str().unwrap().contains(words), "{reason}");
    }
    assert_eq!(send(server.public, "GET", "/debug/events", &[], "").await.status, 404);
}
