//! Dead letters: what is kept of a refused event, what is never kept, and how it is sent again.

use crate::support::letters::{events, header, letters, run};
use crate::support::{Reply, Server};
use footfall_delivery::journal::JournalRow;
use ingest_server::check::UserSigner;
use serde_json::{Value, json};

const SECRET: &str = "a-secret-that-nobody-should-see";

async fn post(server: &Server, headers: &[(&str, &str)], body: &str) -> Reply {
    server.post_with("/v1/events?key=pk_demo", headers, body.to_owned()).await
}

#[tokio::test]
async fn a_refused_event_is_kept_as_it_came_with_the_reasons() {
    let server = Server::start(&[]).await;
    let body = r#"{"batch_id":"b1","sent_at":5,"context":{"anonymous_id":"browser","user_signature":"s1gned"},"events":[
        {"event":"fine"},
        { "event" : "Post View", "event_id":"e1", "n": 1.50, "context":{"user_signature":"s1gned"} },
        7 ]}"#;
    let answer = post(&server, &[("user-agent", "Test/1")], body).await.json();
    assert_eq!((answer["accepted"].as_u64(), answer["invalid"].as_u64()), (Some(1), Some(2)));
    let kept = letters(server.data_dir.path());
    assert_eq!((events(server.data_dir.path()).len(), kept.len()), (1, 2));
    let expected = [
        ("write_key", Some("pk_demo")),
        ("request_path", Some("/v1/events")),
        ("step", Some("check")),
        ("code", Some("bad_name")),
        ("event", Some("Post View")),
        ("event_id", Some("e1")),
        ("batch_id", Some("b1")),
        ("user_agent", Some("Test/1")),
        ("private", None),
        ("user", None),
    ];
    for (name, value) in expected {
        assert_eq!(header(&kept[0], name), value, "{name}");
    }
    assert!(header(&kept[0], "reason").unwrap().starts_with("event name \"Post View\" is not allowed"));
    let violations: Value = serde_json::from_str(header(&kept[0], "violations").unwrap()).unwrap();
    assert_eq!((&violations[0]["path"], &violations[0]["code"]), (&json!("event"), &json!("bad_name")));
    let received: i64 = header(&kept[0], "received_at").unwrap().parse().unwrap();
    assert!((received - kept[0].appended_at_ms).abs() < 60_000);
    let text = String::from_utf8(kept[0].payload.to_vec()).unwrap();
    let event = r#"{"event":"Post View","event_id":"e1","n":1.50,"context":{}}"#;
    assert_eq!(text, format!(r#"{{"sent_at":5,"context":{{"anonymous_id":"browser"}},"events":[{event}]}}"#));
    assert!(String::from_utf8_lossy(&kept[1].payload).ends_with(r#""events":[7]}"#));
    for row in &kept {
        assert!(!format!("{row:?}").contains("s1gned") && !format!("{row:?}").contains("127.0.0"), "{row:?}");
    }
    // A copy of the batch makes no second letter.
    assert_eq!(post(&server, &[], body).await.json()["invalid"], 2);
    assert_eq!(letters(server.data_dir.path()).len(), 2);
    let metrics = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains(r#"footfall_dead_letters_total{result="stored"} 2"#), "{metrics}");
}

#[tokio::test]
async fn who_asks_for_privacy_leaves_no_id_in_a_letter() {
    let server = Server::start(&[]).await;
    let body = json!({ "context": { "anonymous_id": "wh0", "user_id": "wh0", "locale": "de" }, "events": [
        { "event": "B", "user_id": "wh0", "traits": { "name": "wh0" }, "context": { "session_id": "wh0" } },
        ["wh0"],
    ]});
    assert_eq!(post(&server, &[("sec-gpc", "1")], &body.to_string()).await.json()["invalid"], 2);
    let kept = letters(server.data_dir.path());
    assert_eq!((kept.len(), header(&kept[0], "private")), (1, Some("true")));
    assert_eq!(&kept[0].payload[..], br#"{"context":{"locale":"de"},"events":[{"context":{},"event":"B"}]}"#);
}

#[tokio::test]
async fn a_sites_policy_for_events_without_a_user_holds_for_letters() {
    let sites = "[site.pk_demo]\nanonymous = 'drop'\n[site.pk_hide]\nanonymous = 'anonymise'\n";
    let server = Server::start_from(&[("write_key", &["pk_demo", "pk_hide"])], Some(sites)).await;
    let body = r#"{"context":{"anonymous_id":"wh0"},"events":[{"event":"B"},{"event":"C","user_id":"ada"}]}"#;
    for key in ["pk_demo", "pk_hide"] {
        let reply = server.post_with(&format!("/v1/events?key={key}"), &[], body).await;
        assert_eq!(reply.json()["invalid"], 2);
    }
    let kept = letters(server.data_dir.path());
    let of =
        |row: &JournalRow| (header(row, "event").unwrap().to_owned(), format!("{row:?}").contains("wh0"));
    let expected = [("C", true), ("B", false), ("C", true)].map(|(event, told)| (event.to_owned(), told));
    assert_eq!(kept.iter().map(of).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn dead_letters_can_be_switched_off() {
    let server = Server::start(&[("dead_letters", "off")]).await;
    assert_eq!(post(&server, &[], r#"{"events":[{"event":"B"}]}"#).await.json()["invalid"], 1);
    assert!(letters(server.data_dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_listed_shown_and_sent_again_once_its_plan_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let plan = |text: &str| std::fs::write(path("plan.toml"), text).unwrap();
    std::fs::write(path("secret"), SECRET).unwrap();
    let site = format!(
        "plan = {:?}\n[site.pk_demo]\nuser_secret_file = {:?}\nuser_signatures = 'require'\n",
        path("plan.toml"),
        path("secret")
    );
    plan("[event.purchase.properties]\ntotal = { type = 'number', required = true }");
    let before = Server::start_from(&[], Some(&site)).await;
    let signature = UserSigner::new(SECRET.as_bytes()).unwrap().sign("ada");
    let body = json!({ "context": { "user_id": "ada", "user_signature": signature }, "events": [
        { "event": "purchase" },
        { "event": "refund", "event_id": "e2", "timestamp": 1_795_458_876_500_i64 },
        { "event": "Bad", "event_id": "e3" },
        { "event": "refund", "event_id": "e4", "user_id": "bob" },
    ]});
    assert_eq!(post(&before, &[], &body.to_string()).await.json()["invalid"], 4);
    let kept = letters(before.data_dir.path());
    let told: Vec<_> = kept.iter().map(|row| (header(row, "step"), header(row, "user"))).collect();
    let signed = Some("signed");
    let (plan_step, check) = (Some("plan"), Some("check"));
    assert_eq!(told, [(plan_step, signed), (plan_step, signed), (check, signed), (Some("user"), None)]);

    plan("[event.purchase]\n[event.refund]");
    let settings = path("footfall.toml");
    std::fs::write(&settings, format!("write_key = 'pk_demo'\n{site}")).unwrap();
    let data = before.data_dir.path().display().to_string();
    let command = |task: &'static str| {
        ["dead-letters", task, "--config", &settings, "--data-dir", &data].map(str::to_owned)
    };
    let call = async |task: &'static str, more: &[&str]| {
        let all: Vec<String> =
            command(task).into_iter().chain(more.iter().map(|text| (*text).to_owned())).collect();
        run(&all.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let (fine, listed) = call("list", &["--event", "refund", "--since", "1h"]).await;
    assert!(fine, "{listed}");
    let lines: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[0]["event_id"], &lines[0]["code"]),
        (2, &json!("e2"), &json!("unknown_event"))
    );
    assert_eq!(call("list", &["--limit", "1"]).await.1.lines().count(), 1);
    assert_eq!(call("list", &["--code", "bad_name"]).await.1.lines().count(), 1);
    let (fine, shown) = call("show", &[lines[0]["id"].as_str().unwrap()]).await;
    assert!(
        fine && shown.contains(r#""events":[{"event":"refund""#) && shown.contains("\"violations\""),
        "{shown}"
    );
    let (fine, said) = call("show", &["nothing"]).await;
    assert!(!fine && said.contains("there is no dead letter \"nothing\""), "{said}");

    let after = Server::start_from(&[], Some(&site)).await;
    let to = format!("http://{}", after.public);
    let (fine, said) = call("replay", &["--to", &to]).await;
    assert!(!fine && said.contains("2 accepted, 0 stored before, 2 not taken"), "{said}");
    assert!(
        said.contains("the user_id has no valid signature") && said.contains("event name \"Bad\""),
        "{said}"
    );
    assert!(!said.contains(SECRET) && !said.contains(&signature), "{said}");
    let stored = events(after.data_dir.path());
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[0]["event_id"].as_str(), header(&kept[0], "dead_letter_id"), "it had no id of its own");
    assert_eq!(stored[0]["timestamp"].to_string(), header(&kept[0], "received_at").unwrap());
    assert_eq!(stored[1]["event_id"], "e2");
    assert_eq!(
        (&stored[1]["timestamp"], &stored[1]["user_id"]),
        (&json!(1_795_458_876_500_i64), &json!("ada"))
    );
    let (fine, said) = call("replay", &["--to", "https://127.0.0.1:1"]).await;
    assert!(!fine && said.contains("it must be a server's address over plain HTTP"), "{said}");
    let (fine, said) = call("replay", &["--to", "http://127.0.0.1:1"]).await;
    assert!(!fine && said.contains("cannot send to 127.0.0.1:1: Connection refused"), "{said}");
}
