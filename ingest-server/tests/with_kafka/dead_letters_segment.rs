//! Dead letters of what Segment's clients send: kept as it came and in its own names, and sent again by the same mapping.

use crate::support::kafka::Kafka;
use crate::support::letters::{events, header, letters, run};
use crate::support::live::watch;
use crate::support::{Reply, Server};
use ingest_server::check::UserSigner;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");
const BASIC: (&str, &str) = ("authorization", "Basic cGtfZGVtbzo=");
const SECRET: &str = "a-secret-that-nobody-should-see";
const AT: i64 = 1_795_458_876_500;

async fn post(server: &Server, path: &str, body: &Value) -> Reply {
    server.post_with(path, &[BASIC, JSON], body.to_string()).await
}

fn lines(listed: &str) -> Vec<Value> {
    listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_listed_shown_and_sent_again_once_its_plan_is_mended() {
    let kafka = tokio::task::spawn_blocking(Kafka::plain).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let plan = |text: &str| std::fs::write(path("plan.toml"), text).unwrap();
    plan("[event.order_completed.properties]\ntotal = { type = 'number', required = true }\n");
    let file = format!("plan = {:?}\n", path("plan.toml"));
    let brokers = kafka.brokers.as_str();
    let settings = [("kafka.brokers", &[brokers][..]), ("kafka.create_topics", &["on"])];
    let before = Server::start_from(&settings, Some(&file)).await;
    before.until_metric(r#"footfall_kafka_state{state="healthy"} 1"#).await;

    let batch = json!({"sentAt": "2026-11-23T18:34:37.000Z", "context": {"locale": "de", "ip": "203.0.113.9"}, "batch": [
        {"type": "track", "event": "Order Completed", "messageId": "m1", "userId": "u1", "properties": {"total": 7}},
        {"type": "track", "event": "Order Refunded", "messageId": "m2", "userId": "u2", "anonymousId": "a2",
         "originalTimestamp": "2026-11-23T18:34:36.500Z", "properties": {"reason": "Größe"},
         "integrations": {"All": true}, "context": {"ip": "203.0.113.7", "userAgent": "Visitor/1"}},
        {"type": "page", "name": "Home", "userId": "u1"},
    ]});
    let told = post(&before, "/v1/batch", &batch).await.json();
    assert_eq!((&told["accepted"], &told["invalid"]), (&json!(2), &json!(1)), "{told}");

    std::fs::write(path("footfall.toml"), format!("write_key = 'pk_demo'\n{file}")).unwrap();
    let (config, data) = (path("footfall.toml"), path("nothing"));
    let call = async |task: &str, more: &[&str]| {
        let fixed =
            ["dead-letters", task, "--config", &config, "--data-dir", &data, "--kafka-brokers", brokers];
        run(&[&fixed[..], more].concat()).await
    };
    let (fine, listed) = call("list", &["--event", "Order Refunded"]).await;
    assert!(fine, "{listed}");
    let listed = lines(&listed);
    let [letter] = &listed[..] else { unreachable!("{listed:?}") };
    let said = ["step", "code", "event", "event_id"].map(|name| letter[name].as_str().unwrap());
    assert_eq!(said, ["plan", "unknown_event", "Order Refunded", "m2"]);
    let (fine, shown) = call("show", &[letter["id"].as_str().unwrap()]).await;
    assert!(fine && shown.contains(r#""request_path": "/v1/batch""#), "{shown}");
    let kept: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    let mut came = batch["batch"][1].clone();
    came["context"] = json!({"userAgent": "Visitor/1"});
    let sent_at = 1_795_458_877_000_i64;
    assert_eq!(kept, json!({"sentAt": sent_at, "context": {"locale": "de"}, "batch": [came]}));
    assert!(!shown.contains("203.0.113"), "{shown}");

    plan("[event.order_refunded]\n");
    let after = Server::start_from(&[], Some(&file)).await;
    let to = format!("http://{}", after.public);
    for told in ["1 accepted, 0 stored before, 0 not taken", "0 accepted, 1 stored before, 0 not taken"] {
        let (fine, said) = call("replay", &["--to", &to]).await;
        assert!(fine && said.contains(told), "{said}");
    }
    let stored = events(after.data_dir.path());
    let [event] = &stored[..] else { unreachable!("{stored:?}") };
    for (field, value) in [
        ("event_id", json!("m2")),
        ("event", json!("order_refunded")),
        ("original_name", json!("Order Refunded")),
        ("user_id", json!("u2")),
        ("anonymous_id", json!("a2")),
        ("timestamp", json!(AT)),
        ("properties", json!({"reason": "Größe"})),
        ("context", json!({"locale": "de"})),
    ] {
        assert_eq!(event[field], value, "{field}");
    }
    assert_eq!(event["user_agent"]["original"], "Visitor/1");
    before.stop().await.0.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_its_own_goes_the_way_it_came_with_what_it_lacked() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let plan = |text: &str| std::fs::write(path("plan.toml"), text).unwrap();
    plan("[event.a]\n[type.identify.traits]\nplan = { type = 'string' }\n");
    std::fs::write(path("secret"), SECRET).unwrap();
    let file = format!(
        "plan = {:?}\n[site.pk_demo]\nuser_secret_file = {:?}\nuser_signatures = 'require'\n",
        path("plan.toml"),
        path("secret")
    );
    let before = Server::start_from(&[], Some(&file)).await;
    let signature = UserSigner::new(SECRET.as_bytes()).unwrap().sign("42");
    let sent_at = "2026-11-23T18:34:37Z";
    for (path, body, status) in [
        (
            "/v1/i",
            json!({"userId": 42, "messageId": "", "timestamp": null, "sentAt": sent_at, "traits": {"plan": 5},
            "context": {"user_signature": signature, "locale": "de"}}),
            400,
        ),
        ("/v1/track", json!({"userId": "42", "event": "A", "context": {"locale": "de"}}), 400),
        ("/v1/track", json!({"userId": "42", "event": "A", "context": {"user_signature": signature}}), 200),
    ] {
        let reply = post(&before, path, &body).await;
        assert_eq!(reply.status, status, "{} for {body}", reply.json());
    }
    let kept = letters(before.data_dir.path());
    let of = |name| kept.iter().map(|row| header(row, name)).collect::<Vec<_>>();
    assert_eq!(of("request_path"), [Some("/v1/identify"), Some("/v1/track")]);
    assert_eq!((of("step"), of("user")), (vec![Some("plan"), Some("user")], vec![Some("signed"), None]));
    assert!(!format!("{kept:?}").contains(&signature));

    plan("[event.a]\n");
    std::fs::write(path("footfall.toml"), format!("write_key = 'pk_demo'\n{file}")).unwrap();
    let after = Server::start_from(&[], Some(&file)).await;
    let (config, data) = (path("footfall.toml"), before.data_dir.path().display().to_string());
    let to = format!("http://{}", after.public);
    let (fine, said) =
        run(&["dead-letters", "replay", "--config", &config, "--data-dir", &data, "--to", &to]).await;
    assert!(!fine && said.contains("1 accepted, 0 stored before, 1 not taken"), "{said}");
    assert!(said.contains("the user_id has no valid signature"), "{said}");
    let stored = events(after.data_dir.path());
    let [event] = &stored[..] else { unreachable!("{stored:?}") };
    assert_eq!((&event["type"], &event["user_id"]), (&json!("identify"), &json!("42")));
    assert_eq!((&event["traits"], &event["context"]), (&json!({"plan": 5}), &json!({"locale": "de"})));
    assert_eq!(event["event_id"].as_str(), header(&kept[0], "dead_letter_id"), "it had no id of its own");
    assert_eq!(event["timestamp"].to_string(), header(&kept[0], "received_at").unwrap());
    assert_eq!(event.get("sent_at"), None, "the clock that it told of has gone on");
}

#[tokio::test]
async fn who_asks_for_privacy_leaves_no_id_in_a_letter_and_what_nobody_knows_goes_too() {
    let sites = "[site.pk_hide]\nanonymous = 'anonymise'\n[site.pk_drop]\nanonymous = 'drop'\n";
    let server = Server::start_from(&[("write_key", &["pk_demo", "pk_hide", "pk_drop"])], Some(sites)).await;
    let call = json!({"type": "track", "event": "Käufe", "anonymousId": "wh0", "groupId": "wh0", "messageId": "m",
        "traits": {"name": "wh0"}, "integrations": {"Amplitude": {"session_id": "wh0"}}, "properties": {"n": 1},
        "context": {"ip": "203.0.113.9", "device": {"id": "wh0"}, "traits": {"email": "wh0"}, "locale": "de",
            "userAgent": "wh0", "groupId": "wh0", "sessionId": "wh0"}});
    let mut named = call.clone();
    named["userId"] = json!("wh0");
    let batch = json!({"context": {"device": {"id": "wh0"}, "timezone": "UTC", "ip": "203.0.113.9"}, "batch": [call, named]});
    for (key, signal) in [("pk_demo", "1"), ("pk_hide", "0"), ("pk_drop", "0")] {
        let headers = [JSON, ("sec-gpc", signal)];
        let reply = server.post_with(&format!("/v1/batch?key={key}"), &headers, batch.to_string()).await;
        assert_eq!(reply.json()["invalid"], 2);
    }
    // The live view shows the same, and finds a call by its browser where that may be told.
    let mut watcher = watch(server.admin, "?anonymous_id=wh0&replay=100").await;
    let shown: Vec<_> = watcher.until(2).await.iter().map(|shown| shown.data.clone()).collect();
    assert_eq!(shown.iter().map(|shown| &shown["write_key"]).collect::<Vec<_>>(), ["pk_hide", "pk_drop"]);
    assert_eq!(
        (&shown[0]["event"]["userId"], &shown[0]["event"]["context"]["ip"]),
        (&json!("wh0"), &Value::Null)
    );
    let kept = letters(server.data_dir.path());
    let told = kept.iter().map(|row| {
        let text = format!("{row:?}");
        assert!(!text.contains("203.0.113"), "{text}");
        (header(row, "write_key").unwrap(), header(row, "private"), text.contains("wh0"))
    });
    let private = Some("true");
    let expected = [
        ("pk_demo", private, false),
        ("pk_demo", private, false),
        ("pk_hide", private, false),
        ("pk_hide", None, true),
        ("pk_drop", None, true),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let hidden: Value = serde_json::from_slice(&kept[2].payload).unwrap();
    assert_eq!(
        hidden,
        json!({"context": {"timezone": "UTC"}, "batch": [{"type": "track", "event": "Käufe", "messageId": "m",
            "properties": {"n": 1}, "context": {"locale": "de"}}]})
    );
}
