//! What Segment's clients send and hear: the mapping, the keys, the statuses on which they try again or give up.
//! The clients themselves are in `tests/segment`.

use crate::support::{Reply, Server, send};
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};

const BASIC: (&str, &str) = ("authorization", "Basic cGtfZGVtbzo=");

fn journal(server: &Server) -> Vec<Value> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 1000).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

async fn post(server: &Server, path: &str, body: impl Into<axum::body::Bytes>) -> Reply {
    server.post_with(path, &[BASIC, ("content-type", "application/json")], body).await
}

#[tokio::test]
async fn a_batch_of_calls_is_mapped_as_the_table_says() {
    let server = Server::start(&[]).await;
    let body = json!({"sentAt": "2026-11-23T18:34:37.000Z", "messageId": "batch-1", "context": {"locale": "en"}, "batch": [
        {"type": "track", "event": "Order Completed", "messageId": "m1", "userId": 42, "anonymousId": "a1",
         "timestamp": "2026-11-23T18:34:40.500Z", "originalTimestamp": "2026-11-23T19:34:36.500+01:00",
         "properties": {"total": 12.50}, "integrations": {"All": false}, "_metadata": {},
         "context": {"locale": "de", "timezone": "Europe/Vienna", "groupId": "g1", "traits": {"plan": "pro"},
            "page": {"url": "https://a.example/x?y", "path": "/x", "search": "?y", "title": null}, "library": {"name": "l", "version": "1"},
            "campaign": {"name": "spring"}, "screen": {"width": 1}, "consent": {"categoryPreferences": {"ads": false}},
            "os": {"name": "x"}, "ip": "203.0.113.9"}},
        {"type": "page", "name": "Home", "category": "Docs", "userId": null, "anonymousId": "a1",
         "properties": {"url": "https://a.example/", "title": 7}},
        {"type": "screen", "name": "Main", "userId": "u", "properties": {"name": "mine"}},
        {"type": "identify", "userId": "u", "traits": {"email": "a@x"}, "context": {"traits": {"no": 1}}},
        {"type": "group", "userId": "u", "groupId": "g2", "traits": {"seats": 5}},
        {"type": "alias", "userId": "u", "previousId": "a1"}]});
    let reply = post(&server, "/v1/batch", body.to_string()).await;
    let told = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &told["success"], &told["accepted"]),
        (200, &json!(true), &json!(6)),
        "{told}"
    );

    let records = journal(&server);
    let track = &records[0];
    for (field, value) in [
        ("event_id", json!("m1")),
        ("event", json!("order_completed")),
        ("original_name", json!("Order Completed")),
        ("user_id", json!("42")),
        ("anonymous_id", json!("a1")),
        ("group_id", json!("g1")),
        ("batch_id", json!("batch-1")),
        ("original_timestamp", json!(1_795_458_876_500_i64)),
        // Half a second before it was sent, by whatever clock.
        ("timestamp", json!(track["received_at"].as_i64().unwrap() - 500)),
        ("sent_at", json!(1_795_458_877_000_i64)),
        ("properties", json!({"total": 12.50})),
        ("traits", json!({"plan": "pro"})),
        ("write_key", json!("pk_demo")),
    ] {
        assert_eq!(track[field], value, "{field}");
    }
    assert_eq!(track["page"]["path"], "/x");
    assert_eq!(
        track["context"],
        json!({"campaign": {"name": "spring"}, "screen": {"width": 1},
               "locale": "de", "timezone": "Europe/Vienna", "sdk": {"name": "l", "version": "1"}, "consent": {"ads": false}})
    );
    assert_eq!(
        records[1]["properties"],
        json!({"name": "Home", "category": "Docs", "url": "https://a.example/", "title": 7})
    );
    assert_eq!(
        (&records[1]["page"]["host"], &records[1]["page"]["path"]),
        (&json!("a.example"), &json!("/"))
    );
    assert_eq!((&records[1]["context"]["locale"], records[1].get("event")), (&json!("en"), None));
    assert_eq!(records[2]["properties"], json!({"name": "mine"}));
    assert_eq!(records[3]["traits"], json!({"email": "a@x"}));
    assert_eq!(records[4]["group_id"], "g2");
    assert_eq!(records[5]["previous_id"], "a1");

    let again = post(&server, "/v1/batch", body.to_string()).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["duplicate"]),
        (200, &json!(6)),
        "a batch that tells its id is stored once"
    );
}

#[tokio::test]
async fn a_server_speaks_for_a_visitor_and_claims_an_address_only_where_the_site_lets_it() {
    let file = "write_key = [\"pk_demo\", \"pk_backend\"]\n[site.pk_backend]\nclaimed_address = \"take\"\n";
    let server = Server::start_from(&[("write_key", &["pk_demo", "pk_backend"])], Some(file)).await;
    let body = r#"{"event":"A","context":{"ip":"203.0.113.77","userAgent":"Visitor/1"}}"#;
    for (key, more, address) in [
        ("pk_demo", vec![], json!("127.0.0.0")),
        ("pk_backend", vec![], json!("203.0.113.0")),
        ("pk_backend", vec![("sec-gpc", "1")], Value::Null),
    ] {
        let headers = [vec![("user-agent", "Server/1")], more].concat();
        let reply = server.post_with(&format!("/v1/track?key={key}"), &headers, body).await;
        assert_eq!(reply.status.as_u16(), 200);
        let record = journal(&server).pop().unwrap();
        assert_eq!(record["client"].get("address").cloned().unwrap_or_default(), address, "{key}");
        let told = if address.is_null() { Value::Null } else { json!("Visitor/1") };
        assert_eq!(record["user_agent"].get("original").cloned().unwrap_or_default(), told);
    }
}

#[tokio::test]
async fn what_a_batchs_context_says_of_the_visitor_counts_for_calls_that_say_nothing() {
    let file = "write_key = \"pk_demo\"\n[site.pk_demo]\nclaimed_address = \"take\"\n";
    let server = Server::start_from(&[("write_key", &["pk_demo"])], Some(file)).await;
    let call = |context: Value| json!({"type": "track", "event": "A", "userId": "u", "context": context});
    let body = json!({"context": {"ip": "203.0.113.77", "userAgent": "Visitor/1"},
        "batch": [call(json!({})), call(json!({"ip": "198.51.100.7", "userAgent": "Other/2"}))]});
    assert_eq!(post(&server, "/v1/batch", body.to_string()).await.json()["accepted"], 2);
    let told = journal(&server)
        .iter()
        .map(|record| (record["client"]["address"].clone(), record["user_agent"]["original"].clone()))
        .collect::<Vec<_>>();
    assert_eq!(told, [(json!("203.0.113.0"), json!("Visitor/1")), (json!("198.51.100.0"), json!("Other/2"))]);
}

#[tokio::test]
async fn each_call_has_a_path_of_its_own_and_a_short_one() {
    let server = Server::start(&[]).await;
    for (path, short, kind) in [
        ("track", "t", "track"),
        ("page", "p", "page"),
        ("screen", "s", "screen"),
        ("identify", "i", "identify"),
        ("group", "g", "group"),
        ("alias", "a", "alias"),
    ] {
        for path in [path, short] {
            let body = format!(
                r#"{{"writeKey":"pk_demo","event":"A","userId":"u","groupId":"g","previousId":"p",
                "sentAt":"2026-11-23T18:34:37Z","messageId":"{path}-{kind}"}}"#
            );
            let reply =
                server.post_with(&format!("/v1/{path}"), &[("content-type", "text/plain")], body).await;
            assert_eq!(reply.status.as_u16(), 200, "{path}: {}", reply.json());
            let record = journal(&server).pop().unwrap();
            assert_eq!((&record["type"], &record["sent_at"]), (&json!(kind), &json!(1_795_458_877_000_i64)));
        }
    }
    let reply = post(&server, "/v1/b", r#"{"batch":[{"type":"track","event":"A"}]}"#).await;
    assert_eq!(reply.json()["accepted"], 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_senders_own_names() {
    let server = Server::start(&[]).await;
    let long = "x".repeat(257);
    for (event, path, reason) in [
        (json!({"type": "track"}), "event", "event is missing: a track event needs a name"),
        (
            json!({"type": "track", "event": "Käufe"}),
            "event",
            "event name \"Käufe\" cannot be made one of ours",
        ),
        (json!({"type": "track", "event": 7}), "event", "event is a number; it must be a string"),
        (json!({"event": "A"}), "type", "type is missing; it must be one of track, page"),
        (json!({"type": "Track", "event": "A"}), "type", "type is \"Track\"; it must be one of track, page"),
        (json!({"type": "page", "userId": ["u"]}), "userId", "userId is an array; it must be a string"),
        (json!({"type": "page", "userId": long}), "userId", "userId"),
        (json!({"type": "page", "anonymousId": long}), "anonymousId", "anonymousId"),
        (json!({"type": "page", "messageId": "a\nb"}), "messageId", "messageId has a control character"),
        (json!({"type": "group"}), "groupId", "groupId is missing: an event of type group"),
        (json!({"type": "alias"}), "previousId", "previousId is missing: an event"),
        (
            json!({"type": "page", "timestamp": "now"}),
            "timestamp",
            "timestamp is \"now\"; it must be a time such as",
        ),
        (
            json!({"type": "page", "properties": []}),
            "properties",
            "properties is an array; it must be an object",
        ),
        (json!({"type": "page", "context": 1}), "context", "context is a number; it must be an object"),
        (
            json!({"type": "page", "context": {"page": {"url": 1}}}),
            "context.page.url",
            "context.page.url is a number",
        ),
        (json!("text"), "", "the event is a string; it must be an object"),
    ] {
        let reply = post(&server, "/v1/batch", json!({"batch": [event]}).to_string()).await;
        let told = reply.json();
        assert_eq!((reply.status.as_u16(), &told["success"]), (400, &json!(false)), "{event}");
        let entry = &told["events"][0];
        assert_eq!((&entry["status"], &entry["path"]), (&json!("invalid"), &json!(path)), "{event}");
        assert!(entry["reason"].as_str().unwrap().starts_with(reason), "{entry}");
        assert_eq!(told["message"], entry["reason"], "what the clients show");
    }
    let twice = r#"{"batch":[{"type":"page","type":"page"},{"type":"page","context":{"ip":"a","ip":"b"}}]}"#;
    let told = post(&server, "/v1/batch", twice).await.json();
    assert_eq!(
        (&told["events"][0]["code"], &told["events"][1]["path"]),
        (&json!("malformed"), &json!("context"))
    );
    // Segment's bound of an event: 32 KB, here of 1024 bytes.
    let sized = |bytes: usize| {
        let call =
            |text: &str| json!({"type": "track", "event": "A", "properties": {"text": text}}).to_string();
        call(&"x".repeat(bytes - call("").len()))
    };
    let two = format!(r#"{{"batch":[{},{}]}}"#, sized(32 * 1024), sized(32 * 1024 + 1));
    let told = post(&server, "/v1/batch", two).await.json();
    let entry = &told["events"][0];
    assert_eq!(
        (&told["accepted"], &entry["index"], &entry["code"]),
        (&json!(1), &json!(1), &json!("too_large")),
        "{told}"
    );
    let mixed =
        r#"{"batch":[{"type":"track"},{"type":"track","event":"A \ud83d"},{"type":"page","userId":""}]}"#;
    let reply = post(&server, "/v1/batch", mixed).await;
    let told = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &told["code"], &told["accepted"]),
        (200, &json!("partial"), &json!(2)),
        "{told}"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_so_that_no_client_tries_again() {
    let server = Server::start(&[]).await;
    let big = format!(r#"{{"batch":[],"x":"{}"}}"#, "x".repeat(512 * 1024));
    for (path, body, status, code) in [
        ("/v1/batch", "{}", 400, "not_a_batch"),
        ("/v1/batch", r#"{"batch":{}}"#, 400, "not_a_batch"),
        ("/v1/batch", r#"{"batch":[],"sentAt":true}"#, 400, "not_a_batch"),
        ("/v1/batch", "[]", 400, "not_a_batch"),
        ("/v1/batch", "{", 400, "not_json"),
        ("/v1/track", "7", 400, "not_a_batch"),
        ("/v1/track", "", 400, "empty_body"),
        ("/v1/batch", &big, 413, "batch_too_large"),
    ] {
        let reply = post(&server, path, body.to_owned()).await;
        let told = reply.json();
        assert_eq!((reply.status.as_u16(), told["code"].as_str()), (status, Some(code)), "{path}: {told}");
        assert_eq!((&told["success"], &told["message"]), (&json!(false), &told["reason"]));
    }
    let keyless = server.post_with("/v1/batch", &[], r#"{"batch":[]}"#).await;
    assert_eq!((keyless.status.as_u16(), keyless.code().as_str()), (401, "no_write_key"));
    let bearer = [("authorization", "Bearer cGtfZGVtbzo=")];
    assert_eq!(server.post_with("/v1/batch", &bearer, r#"{"batch":[]}"#).await.status.as_u16(), 401);
    let native = server.post_with("/v1/events", &[BASIC], r#"{"events":[]}"#).await;
    assert_eq!(native.status.as_u16(), 401, "elsewhere the header may be a proxy's");
}

#[tokio::test]
async fn what_cannot_be_stored_now_is_sent_again_as_a_whole() {
    let server = Server::start(&[("journal.max_bytes", "1MiB"), ("journal.retention_bytes", "off")]).await;
    let text = "x".repeat(30_000);
    let call = format!(r#"{{"type":"track","event":"A","properties":{{"text":"{text}"}}}}"#);
    let body = format!(r#"{{"batch":[{}]}}"#, vec![call; 15].join(","));
    let refused = loop {
        let reply = post(&server, "/v1/batch", body.clone()).await;
        if reply.status.as_u16() != 200 {
            break reply;
        }
    };
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "journal_full"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(refused.json()["success"], false);
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed_that_it_takes_tls_off() {
    for (trusted, said, protocol) in [
        ("10.0.0.0/8", &["https"][..], "http"),
        ("127.0.0.1", &["https"], "https"),
        ("127.0.0.1", &["http"], "http"),
        ("127.0.0.1", &[], "http"),
        // The client's own word before the proxy's.
        ("127.0.0.1", &["https", "http"], "http"),
        ("127.0.0.1", &["https, http"], "http"),
        ("127.0.0.1", &["http", "http , HTTPS "], "https"),
    ] {
        let server = Server::start(&[("proxies.trusted", trusted)]).await;
        let mut headers = vec![("origin", "http://a.example")];
        headers.extend(said.iter().map(|proto| ("x-forwarded-proto", *proto)));
        let reply = send(server.public, "GET", "/v1/projects/pk_demo/settings", &headers, "").await;
        let told = &reply.json()["integrations"]["Segment.io"]["protocol"];
        assert_eq!(told, protocol, "{trusted} is trusted, 127.0.0.1 says {said:?}");
    }
}

#[tokio::test]
async fn the_browsers_client_is_told_to_send_to_the_host_that_it_asked() {
    let server = Server::start(&[]).await;
    let ask = async |key: &str, headers: &[(&str, &str)]| {
        send(server.public, "GET", &format!("/v1/projects/{key}/settings"), headers, "").await
    };
    let reply = ask("pk_demo", &[("origin", "http://a.example")]).await;
    let told = &reply.json()["integrations"]["Segment.io"];
    assert_eq!(
        (&told["apiKey"], &told["apiHost"], &told["protocol"]),
        (&json!("pk_demo"), &json!("localhost/v1"), &json!("http"))
    );
    assert_eq!(reply.header("cache-control"), Some("private, max-age=300"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://a.example"));
    let secure = ask("pk_demo", &[("origin", "https://a.example")]).await.json();
    assert_eq!(secure["integrations"]["Segment.io"]["protocol"], "https");
    assert_eq!(ask("pk_other", &[]).await.code(), "unknown_write_key");
    let preflight = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-retry-count"),
    ];
    let reply = send(server.public, "OPTIONS", "/v1/t", &preflight, "").await;
    let allowed = reply.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("authorization") && allowed.contains("x-retry-count"), "{allowed}");
}
