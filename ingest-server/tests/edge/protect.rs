//! What the edge does under more than it can bear, and what every answer carries: the order in which events are
//! refused, ids for requests; and what a browser asks for. Rate limits are tested in `limits`.

use crate::support::program::Program;
use crate::support::{Server, send};
use std::time::Duration;

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

async fn metric(server: &Server, name: &str) -> f64 {
    let text = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Somebody holds the journal's write lock, for less than the 5 s after which the writer gives up: the store is held up
/// while requests keep coming.
#[tokio::test]
async fn under_load_background_events_are_refused_first_ordinary_ones_next_and_key_events_last() {
    const MEMORY: f64 = (4 << 20) as f64;
    let server = Server::start(&[("memory.max_bytes", "4MiB")]).await;
    let journal = rusqlite::Connection::open(server.data_dir.path().join("journal.sqlite")).unwrap();
    journal.execute_batch("BEGIN IMMEDIATE").unwrap();
    let filler = "x".repeat(30_000);
    let body = format!(
        r#"{{"events":[{}]}}"#,
        [format!(r#"{{"event":"a","properties":{{"a":"{filler}"}}}}"#)].join(",")
    );
    // The load at which each priority was refused for the first time, in percent.
    let mut refused_at = std::collections::BTreeMap::new();
    let mut waits = std::collections::BTreeMap::new();
    let mut taken = Vec::new();
    'load: loop {
        for priority in ["background", "normal", "key"] {
            let before = metric(&server, "footfall_waiting_bytes").await;
            let (to, path, body) =
                (server.public, format!("/v1/events?key=pk_demo&priority={priority}"), body.clone());
            let sent = tokio::spawn(async move { send(to, "POST", &path, &[], body).await });
            let settled = async {
                while !sent.is_finished() && metric(&server, "footfall_waiting_bytes").await <= before {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
            if !sent.is_finished() {
                taken.push(sent);
                continue;
            }
            let reply = sent.await.unwrap();
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            if priority == "key" && reply.code() == "memory_full" {
                refused_at.insert(priority, before * 100.0 / MEMORY);
                break 'load;
            }
            assert_eq!(reply.code(), "overloaded", "{reply:?}");
            refused_at.entry(priority).or_insert(before * 100.0 / MEMORY);
            waits
                .entry(priority)
                .or_insert_with(Vec::new)
                .push(reply.json()["retry_after_ms"].as_u64().unwrap());
            if priority == "key" {
                break 'load;
            }
        }
    }
    println!("refused from a load of {refused_at:?} percent on");
    assert!((49.0..55.0).contains(&refused_at["background"]), "{refused_at:?}");
    assert!((79.0..85.0).contains(&refused_at["normal"]), "{refused_at:?}");
    assert!(refused_at["key"] > 98.0, "{refused_at:?}");
    assert!(waits["background"].iter().all(|wait| (4000..=8000).contains(wait)), "{waits:?}");
    assert!(waits["normal"].iter().all(|wait| (2000..=4000).contains(wait)), "{waits:?}");
    let (mut spread, all) = (waits["background"].clone(), waits["background"].len());
    spread.sort_unstable();
    spread.dedup();
    assert!(spread.len() * 10 > all * 9, "those who wait do not come together: {waits:?}");
    let shed = metric(&server, "footfall_shed_total{priority=\"background\"}").await;
    assert_eq!(shed, waits["background"].len() as f64);
    for request in taken {
        request.abort();
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_keeps_a_browser_from_making_more_of_it() {
    let server = Server::start(&[]).await;
    let own = [("x-request-id", "lb-7:42"), ("origin", "https://a.example")];
    for (path, status) in [("/v1/events?key=pk_demo", 200), ("/v1/events?key=no", 401), ("/nothing", 404)] {
        let reply = server.post_with(path, &own, EVENT).await;
        assert_eq!((reply.status.as_u16(), reply.header("x-request-id")), (status, Some("lb-7:42")));
        assert_eq!(reply.header("timing-allow-origin"), Some("*"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert!(reply.header("access-control-expose-headers").unwrap().contains("x-request-id"));
    }
    let [made, other] = [server.post(EVENT).await, server.post(EVENT).await]
        .map(|reply| reply.header("x-request-id").unwrap().to_owned());
    assert!(made.len() == 16 && made != other);
    let insane = server.post_with("/nothing", &[("x-request-id", "a b\"c")], "").await;
    assert_eq!(insane.header("x-request-id").unwrap().len(), 16);
    for path in ["/healthz", "/metrics", "/nothing"] {
        let reply = server.get(path).await;
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(reply.header("x-request-id").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refused_requests_is_no_flood_of_lines() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    let began = std::time::Instant::now();
    for number in 0..200 {
        let id = format!("try-{number}");
        let headers = [("x-request-id", id.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(send(program.public, "POST", "/v1/events", &headers, "").await.status, 415);
    }
    let seconds = began.elapsed().as_secs() as usize + 1;
    program.signal("-TERM");
    let (_, log) = program.end();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("refused a request")).collect();
    assert!(
        lines[0].contains("request_id=\"try-0\"") && lines[0].contains("unsupported_content_type"),
        "{lines:?}"
    );
    assert!(lines.len() >= 10 && lines.len() <= 10 * (seconds + 1), "{} lines in {seconds} s", lines.len());
}

#[tokio::test]
async fn what_a_browser_asks_for_is_obeyed_as_the_site_says_and_never_in_silence() {
    let file =
        "[site.pk_strict]\ngpc = 'drop'\ndnt = 'drop'\n[site.pk_none]\ngpc = 'ignore'\ndnt = 'ignore'\n";
    let keys: &[&str] = &["pk_demo", "pk_strict", "pk_none"];
    let server = Server::start_from(&[("write_key", keys)], Some(file)).await;
    let body = r#"{"context":{"anonymous_id":"a1"},"events":[{"event":"a"},{"event":"b"}]}"#;
    for (key, signal, dropped) in [
        ("pk_demo", ("dnt", "1"), None),
        ("pk_strict", ("dnt", "1"), Some("dnt")),
        ("pk_strict", ("sec-gpc", "1"), Some("gpc")),
        ("pk_strict", ("dnt", "0"), None),
        ("pk_none", ("sec-gpc", "1"), None),
    ] {
        let told = server.post_with(&format!("/v1/events?key={key}"), &[signal], body).await.json();
        assert_eq!(told["code"], if dropped.is_some() { "partial" } else { "ok" });
        let Some(code) = dropped else {
            assert_eq!(
                (told["accepted"].as_u64(), told["dropped"].as_u64()),
                (Some(2), Some(0)),
                "{key} {signal:?}"
            );
            continue;
        };
        assert_eq!((told["accepted"].as_u64(), told["dropped"].as_u64()), (Some(0), Some(2)));
        for (index, entry) in told["events"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                (entry["index"].as_u64(), &entry["status"], &entry["code"]),
                (Some(index as u64), &"dropped".into(), &code.into())
            );
            assert!(entry["reason"].as_str().unwrap().contains("the site keeps no events"));
        }
    }
    assert_eq!(metric(&server, "footfall_events_dropped_by_policy_total{code=\"gpc\"}").await, 2.0);
    assert_eq!(metric(&server, "footfall_events_total{status=\"dropped\"}").await, 4.0);
    let reader = footfall_delivery::journal::JournalReader::open(server.data_dir.path()).unwrap();
    let records: Vec<_> = reader
        .read_after(0, 100)
        .unwrap()
        .into_iter()
        .map(|row| String::from_utf8(row.payload.to_vec()).unwrap())
        .collect();
    let named =
        |key: &str| records.iter().filter(|record| record.contains(key) && record.contains("\"a1\"")).count();
    assert_eq!((records.len(), named("pk_demo"), named("pk_strict"), named("pk_none")), (6, 0, 2, 2));
}

#[tokio::test]
async fn a_head_beyond_any_browsers_is_refused_in_words() {
    let server = Server::start(&[]).await;
    let names: Vec<_> = (0..70).map(|number| format!("x-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let long = "x".repeat(17_000);
    for headers in [&many[..], &[("cookie", long.as_str())]] {
        let reply = server.post_with("/v1/events?key=pk_demo", headers, EVENT).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (431, "headers_too_large"));
        assert!(reply.header("vary").is_some());
    }
    assert_eq!(server.post_with("/v1/events?key=pk_demo", &many[..50], EVENT).await.status, 200);
}

/// A parser that descends into what it reads would end the process here.
#[tokio::test]
async fn depth_without_end_breaks_nothing() {
    let server = Server::start(&[]).await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(60_000), close.repeat(60_000));
        for body in [
            deep.clone(),
            format!(r#"{{"events":{deep}}}"#),
            format!(r#"{{"other":{deep},"events":[{{"event":"a"}}]}}"#),
            format!(r#"{{"context":{{"consent":{deep}}},"events":[{{"event":"a"}}]}}"#),
            format!(r#"{{"events":[{{"event":"a","properties":{deep}}}]}}"#),
            format!(r#"{{"events":[{{"event":"a","other":{deep}}}]}}"#),
        ] {
            let reply = server.post(body).await;
            assert!(reply.status == 200 || reply.status == 400, "{reply:?}");
        }
    }
    assert_eq!(server.post(EVENT).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_a_machine_are_objects_and_no_secret_stands_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = [
        "--kafka-properties",
        "security.protocol=SASL_PLAINTEXT",
        "--kafka-properties",
        "sasl.mechanisms=PLAIN",
        "--kafka-properties",
        "sasl.username=ann",
        "--kafka-properties",
        "sasl.password=hunter2x",
    ];
    let more: Vec<_> =
        ["--log-format", "json", "--kafka-brokers", "127.0.0.1:1"].into_iter().chain(secrets).collect();
    let program = Program::start_with(dir.path(), &more);
    let headers = [("x-request-id", "abc"), ("origin", "https://a.example")];
    let reply = send(program.public, "POST", "/v1/events?key=pk_unknown", &headers, "").await;
    assert_eq!(reply.status, 401);
    program.signal("-TERM");
    let (_, log) = program.end();
    assert!(!log.contains("hunter2x"), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["message"] == "refused a request").unwrap();
    assert_eq!(
        (&line["request_id"], &line["code"], &line["level"]),
        (&"abc".into(), &"unknown_write_key".into(), &"INFO".into())
    );

    let said = crate::support::program::footfall(&["check-config", "--write-key", "pk"])
        .args(&more)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap() + &String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("log.format = json  # --log-format") && !said.contains("hunter2x"), "{said}");
}
