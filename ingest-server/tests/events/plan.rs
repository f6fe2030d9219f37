//! What a site's tracking plan does to what is sent: refused, counted, marked; and what an operator is told of one.

use crate::support::program::{Program, footfall};
use crate::support::{Reply, Server, send};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};
use std::net::SocketAddr;

const PLAN: &str = r#"
[event.purchase]
key_event = true
[event.purchase.properties]
total = { type = "number", required = true, min = 0 }
[event.buy]
deprecated = "purchase"
"#;

/// A server whose site `pk_demo` is held to the plan, `pk_report` counts, and `pk_off` does not look.
async fn server(dir: &tempfile::TempDir) -> Server {
    let plan = dir.path().join("plan.toml");
    std::fs::write(&plan, PLAN).unwrap();
    let file = format!(
        "plan = {:?}\n[site.pk_report]\nplan_mode = 'report'\n[site.pk_off]\nplan_mode = 'off'\n",
        plan.display().to_string()
    );
    Server::start_from(&[("write_key", &["pk_demo", "pk_report", "pk_off"])], Some(&file)).await
}

async fn post(server: &Server, key: &str, events: &str) -> Reply {
    let body = format!(r#"{{"events":[{events}]}}"#);
    server.post_with(&format!("/v1/events?key={key}"), &[], body).await
}

fn stored(server: &Server) -> Vec<Value> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 100).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

const BATCH: &str = r#"{"event":"purchase","properties":{"total":5}}, {"event":"purchase","event_id":"e1"},
    {"event":"surprise"}, {"event":"click"}, {"type":"page"}, {"event":"buy"}"#;

#[tokio::test]
async fn an_enforced_plan_refuses_what_does_not_fit_in_words_and_marks_key_events() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&dir).await;
    let answer = post(&server, "pk_demo", BATCH).await.json();
    assert_eq!((answer["code"].as_str(), answer["accepted"].as_u64()), (Some("partial"), Some(4)));
    let expected = json!([
        { "index": 1, "event_id": "e1", "status": "invalid", "code": "required", "path": "properties.total",
          "reason": "properties.total is missing: the tracking plan requires it, a number" },
        { "index": 2, "status": "invalid", "code": "unknown_event", "path": "event",
          "reason": "the event \"surprise\" is not in the site's tracking plan: declare it there, or send one that is" },
    ]);
    assert_eq!(answer["events"], expected);
    let kept = stored(&server);
    let names: Vec<_> = kept.iter().map(|record| record["event"].as_str()).collect();
    assert_eq!(names, [Some("purchase"), Some("click"), None, Some("buy")]);
    assert_eq!((&kept[0]["key_event"], &kept[1]["key_event"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_reported_plan_lets_all_pass_and_counts_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&dir).await;
    let answer = post(&server, "pk_report", BATCH).await.json();
    assert_eq!((answer["code"].as_str(), answer["accepted"].as_u64()), (Some("ok"), Some(6)));
    let metrics = server.get("/metrics").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for line in [
        r#"footfall_plan_violations_total{event="purchase",code="required"} 1"#,
        r#"footfall_plan_violations_total{event="surprise",code="unknown_event"} 1"#,
        r#"footfall_plan_violations_total{event="buy",code="deprecated"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert_eq!(stored(&server)[0]["key_event"], json!(true), "a key event is one in this mode too");
}

#[tokio::test]
async fn a_plan_that_is_off_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(&dir).await;
    assert_eq!(post(&server, "pk_off", BATCH).await.json()["accepted"], 6);
    assert_eq!(stored(&server)[0]["key_event"], Value::Null);
    let metrics = server.get("/metrics").await;
    assert!(!String::from_utf8_lossy(&metrics.body).contains("plan_violations_total{"));
}

#[test]
fn check_config_reads_the_plan_beside_the_settings_and_tells_its_mistakes_with_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, plan) = (dir.path().join("footfall.toml"), dir.path().join("plan.toml"));
    let text = "write_key = ['pk_a', 'pk_b']\nplan = 'plan.toml'\n[site.pk_b]\nplan_mode = 'report'\n";
    std::fs::write(&settings, text).unwrap();
    let run = || {
        let output = footfall(&["check-config", "--config", settings.to_str().unwrap()]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    std::fs::write(&plan, PLAN).unwrap();
    let (fine, said) = run();
    assert!(fine, "{said}");
    for line in [
        "site.pk_a: tracking plan enforced (2 events, 1 key events, 1 deprecated)",
        "site.pk_b: tracking plan reported (2 events, 1 key events, 1 deprecated)",
    ] {
        assert!(said.contains(line), "{line} is not in\n{said}");
    }
    std::fs::write(&plan, "[event.a]\nkey_events = true\n").unwrap();
    let (fine, said) = run();
    assert!(!fine);
    let mistake = format!("{}:2:1 event.a.key_events: unknown key; known are", plan.display());
    assert_eq!(said.matches(&mistake).count(), 1, "once for both sites:\n{said}");
    std::fs::remove_file(&plan).unwrap();
    let (fine, said) = run();
    assert!(
        !fine && said.contains(&format!("{}:2:1 plan: names the tracking plan", settings.display())),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sites_own_plan_is_read_from_its_file_beside_the_settings_and_holds_in_place_of_the_general_one() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("general.toml", "[event.sign_up]\n");
    write("shop.toml", "[event.purchase.properties]\ntotal = { type = \"number\", required = true }\n");
    write(
        "footfall.toml",
        "plan = \"general.toml\"\n[site.pk_shop]\nplan = \"shop.toml\"\n\
         [site.pk_report]\nplan = \"shop.toml\"\nplan_mode = \"report\"\n",
    );
    let (data, settings) = (dir.path().join("data"), dir.path().join("footfall.toml"));
    let more = ["--config", settings.to_str().unwrap(), "--write-key", "pk_shop", "--write-key", "pk_report"];
    // What became of the two events of the three sites.
    let told = async |to: SocketAddr, key: &str| {
        let body = r#"{"events":[{"event":"sign_up"},{"event":"purchase"}]}"#;
        let answer = send(to, "POST", &format!("/v1/events?key={key}"), &[], body).await.json();
        let entries = answer["events"].as_array().cloned().unwrap_or_default();
        let said = |entry: &Value| format!("{} {}", entry["index"], entry["code"].as_str().unwrap());
        (answer["accepted"].as_u64().unwrap(), entries.iter().map(said).collect::<Vec<_>>())
    };
    let program = Program::start_with(&data, &more);
    for (key, accepted, refused) in [
        ("pk_demo", 1, &["1 unknown_event"][..]),
        ("pk_shop", 0, &["0 unknown_event", "1 required"]),
        ("pk_report", 2, &[]),
    ] {
        let (taken, said) = told(program.public, key).await;
        assert_eq!((taken, said.iter().map(String::as_str).collect()), (accepted, refused.to_vec()), "{key}");
    }
    program.signal("-TERM");
    program.end();

    write("shop.toml", "[event.purchase]\n[event.sign_up]\n");
    let program = Program::start_with(&data, &more);
    assert_eq!(told(program.public, "pk_shop").await, (2, vec![]), "a start reads it anew");
    program.signal("-TERM");
    program.end();
}
