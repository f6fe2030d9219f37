//! The metrics are those that operators are told of: by name, kind and labels, no more and no fewer.

use crate::support::{Server, geo_file};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is known of a metric: its kind, and its labels without those that histograms have of their own.
#[derive(Debug, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

type Metrics = BTreeMap<String, Metric>;

/// The table of `docs/operating.md`, whose rows are `` | `name{label,…}` | kind | what it says | ``.
fn documented() -> Metrics {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Metrics\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `footfall_"));
    let mut metrics = Metrics::new();
    for row in rows {
        let [name, kind, ..] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
        let name = name.strip_suffix('`').unwrap();
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        let labels = labels.strip_suffix('}').unwrap().split(',').filter(|label| !label.is_empty());
        let metric = Metric { kind: kind.to_owned(), labels: labels.map(str::to_owned).collect() };
        assert!(metrics.insert(format!("footfall_{name}"), metric).is_none(), "{name} stands twice");
    }
    metrics
}

/// What a server prints (OpenMetrics 1.0): `# TYPE` lines, and samples `name{label="value",…} number`.
fn printed(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        metrics.insert(name, Metric { kind: kind.to_owned(), labels: BTreeSet::new() });
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap_or_else(|| (line.split_once(' ').unwrap().0, ""));
        let parts = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part));
        let name = if metrics.contains_key(name) { name } else { parts.unwrap_or(name) };
        let metric = metrics.get_mut(name).unwrap_or_else(|| panic!("{name} has no type"));
        let labels = labels.split(',').filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()));
        metric.labels.extend(labels.filter(|label| label != "le"));
    }
    metrics
}

#[tokio::test]
async fn what_is_printed_is_what_is_documented() {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    std::fs::write(&plan, "other_events = 'refuse'\n[event.purchase]\n").unwrap();
    let (plan, places) = (plan.display().to_string(), geo_file("GeoLite2-Country-Test.mmdb"));
    // Neither is there: what is said of them is printed all the same.
    let (kafka, redis) = (("kafka.brokers", "127.0.0.1:9"), ("redis.url", "redis://127.0.0.1:9/"));
    let server = Server::start(&[("plan", &plan), ("geo.files", &places), kafka, redis]).await;
    // What has labels that are not known before the first count.
    let events = r#"{"batch_id":"b","events":[{"event":"undeclared"},{"event":"purchase","event_id":"e"}]}"#;
    let answer = server.post(events).await.json();
    assert_eq!((&answer["invalid"], &answer["accepted"]), (&1.into(), &1.into()));
    let (printed, documented) = (printed(&server.metrics().await), documented());
    assert!(printed.len() > 30, "{printed:#?}");
    for (name, metric) in &printed {
        assert_eq!(documented.get(name), Some(metric), "{name} in docs/operating.md is not what is printed");
    }
    for name in documented.keys() {
        assert!(printed.contains_key(name), "{name} stands in docs/operating.md and is not printed");
    }
}

#[tokio::test]
async fn a_batch_is_in_each_step_once_and_a_refused_one_in_those_that_it_reached() {
    let server = Server::start(&[]).await;
    let events = vec![r#"{"event":"a"}"#; 20].join(",");
    let began = std::time::Instant::now();
    assert_eq!(server.post(format!(r#"{{"batch_id":"b","events":[{events}]}}"#)).await.status, 200);
    assert_eq!(server.post("{").await.status, 400);
    assert_eq!(server.post_with("/v1/events?key=pk_none", &[], "").await.status, 401);
    let took = began.elapsed().as_secs_f64();
    let text = server.metrics().await;
    let value = |name: &str, step: &str| -> f64 {
        let line = format!("footfall_step_seconds_{name}{{step=\"{step}\"}} ");
        text.lines().find_map(|each| each.strip_prefix(&line)).unwrap().parse().unwrap()
    };
    let later = ["stamp", "reserve_batch", "check", "reserve_events", "encode", "order", "deliver", "answer"];
    for (step, count) in
        [("admit", 3.0), ("read", 2.0), ("decode", 2.0)].into_iter().chain(later.map(|step| (step, 1.0)))
    {
        assert_eq!(value("count", step), count, "{step}");
    }
    let all: f64 = ["admit", "read", "decode"].into_iter().chain(later).map(|step| value("sum", step)).sum();
    assert!(all > 0.0 && all <= took, "{all} s in steps, {took} s in all");
    assert!(value("sum", "deliver") > value("sum", "reserve_events"), "an fsync takes longer than a look-up");
}

#[tokio::test]
async fn refused_events_are_counted_by_code_and_what_is_in_flight_is_seen() {
    let server = Server::start(&[]).await;
    server.post(r#"{"events":[{"event":"B"},{"event":"C"},{},{"event":"fine"}]}"#).await;
    let text = server.metrics().await;
    for line in [
        "footfall_events_refused_total{code=\"bad_name\"} 2",
        "footfall_events_refused_total{code=\"required\"} 1",
        "footfall_events_total{status=\"invalid\"} 3",
        "footfall_events_total{status=\"retry\"} 0",
        "footfall_requests_in_flight 0",
    ] {
        assert!(text.lines().any(|each| each == line), "{line} is not in {text}");
    }
    let mut stream = tokio::net::TcpStream::connect(server.public).await.unwrap();
    let head = "POST /v1/events?key=pk_demo HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    let begun = [head.as_bytes(), &[b' '; 40_000]].concat();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &begun).await.unwrap();
    server.until_metric("footfall_requests_in_flight 1").await;
    crate::support::until(async || !server.metrics().await.contains("\nfootfall_bodies_bytes 0\n")).await;
    drop(stream);
    server.until_metric("footfall_requests_in_flight 0").await;
    server.until_metric("footfall_bodies_bytes 0").await;
}
