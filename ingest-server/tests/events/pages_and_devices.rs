//! What a record says of the browser and of the page, and what becomes of bots, over a real socket.

use crate::support::Server;
use footfall_delivery::journal::JournalReader;
use serde_json::{Value, json};

const FILE: &str = r#"
[page]
query = ["sort"]

[[routes]]
pattern = "/t/{slug}/{post_id}"
name = "post_detail"

[site.pk_strict]
bots = "drop"

[site.pk_members]
bots = "drop"
anonymous = "drop"

[site.pk_open]
bots = "keep"
"#;
const KEYS: &[&str] = &["pk_demo", "pk_strict", "pk_members", "pk_open"];
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";

async fn start() -> Server {
    Server::start_from(&[("write_key", KEYS)], Some(FILE)).await
}

fn records(server: &Server) -> Vec<Value> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 1000).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

async fn post(server: &Server, key: &str, headers: &[(&str, &str)], body: &str) -> Value {
    let reply = server.post_with(&format!("/v1/events?key={key}"), headers, body.to_owned()).await;
    assert_eq!(reply.status, 200);
    reply.json()
}

#[tokio::test]
async fn a_record_tells_page_route_campaign_referrer_and_device() {
    let server = start().await;
    let body = r#"{"context":{"anonymous_id":"a","page":{"url":"https://forum.example/t/tomatoes/42?utm_source=mail&sort=new&token=s3cret#c7",
        "title":"Tomatoes","referrer":"https://www.google.at/search?q=tomatoes"}},"events":[{"event":"post_view"},
        {"event":"post_view","context":{"page":{"path":"/t/beans/43"}}},{"event":"post_view","context":{"locale":"de"}}]}"#;
    let headers =
        [("user-agent", CHROME), ("sec-ch-ua-platform", "\"Android\""), ("sec-ch-ua-model", "\"Pixel 8\"")];
    assert_eq!(post(&server, "pk_demo", &headers, body).await["accepted"], 3);
    let records = records(&server);
    assert_eq!(
        records[0]["page"],
        json!({"scheme":"https","host":"forum.example","path":"/t/tomatoes/42","query":{"utm_source":"mail","sort":"new"},
            "title":"Tomatoes","route":"/t/{slug}/{post_id}","name":"post_detail","params":{"slug":"tomatoes","post_id":"42"}})
    );
    assert_eq!(records[0]["campaign"], json!({"source":"mail"}));
    let google =
        json!({"class":"search","name":"Google","term":"tomatoes","host":"www.google.at","path":"/search"});
    assert_eq!(records[0]["referrer"], google);
    assert_eq!(
        records[0]["user_agent"],
        json!({"original":CHROME,"browser":"Chrome","browser_version":"126","os":"Android","device":"phone","model":"Pixel 8",
            "bot":false})
    );
    assert_eq!(
        records[1]["page"]["params"],
        json!({"slug":"beans","post_id":"43"}),
        "an event's own page counts"
    );
    assert_eq!((&records[1]["campaign"], &records[1]["referrer"]["class"]), (&Value::Null, &json!("direct")));
    assert_eq!((&records[2]["page"], &records[2]["context"]), (&records[0]["page"], &json!({"locale":"de"})));
    assert!(
        records.iter().all(|record| !record.to_string().contains("s3cret")),
        "what was not asked for is not kept"
    );
}

#[tokio::test]
async fn a_bot_is_tagged_dropped_with_an_answer_or_kept_as_the_site_says() {
    let server = start().await;
    let body =
        r#"{"batch_id":"b","events":[{"event":"a","event_id":"e1"},{"event":"Not A Name"},{"event":"b"}]}"#;
    let agent = [("user-agent", GOOGLEBOT)];
    assert_eq!(post(&server, "pk_demo", &agent, body).await["accepted"], 2);
    assert_eq!(post(&server, "pk_open", &agent, body).await["accepted"], 2);
    let told = post(&server, "pk_strict", &agent, body).await;
    assert_eq!((&told["accepted"], &told["dropped"], &told["invalid"]), (&json!(0), &json!(2), &json!(1)));
    let reason = "the request comes from a bot, and the site takes no events of bots";
    assert_eq!(
        told["events"][0],
        json!({"index":0,"event_id":"e1","status":"dropped","code":"bot","reason":reason})
    );
    // A person of the same site is taken.
    assert_eq!(
        post(&server, "pk_strict", &[("user-agent", CHROME)], r#"{"events":[{"event":"c"}]}"#).await["accepted"],
        1
    );

    let records = records(&server);
    let said: Vec<_> =
        records.iter().map(|record| (&record["write_key"], &record["user_agent"]["bot"])).collect();
    let [demo, open, strict] = [json!("pk_demo"), json!("pk_open"), json!("pk_strict")];
    let (yes, no, nothing) = (json!(true), json!(false), Value::Null);
    let expected = [(&demo, &yes), (&demo, &yes), (&open, &nothing), (&open, &nothing), (&strict, &no)];
    assert_eq!(said, expected);
    let metrics = String::from_utf8(server.get("/metrics").await.body.to_vec()).unwrap();
    for line in [
        "footfall_events_dropped_by_policy_total{code=\"bot\"} 2",
        "footfall_user_agent_hits_total 1",
        "footfall_user_agent_misses_total 3",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn a_bot_that_a_server_speaks_for_meets_the_policy_too_and_nobody_else_of_its_batch_does() {
    let server = start().await;
    let call = |id: &str, user: Option<&str>, agent: Option<&str>| json!({"type": "track", "event": "A", "messageId": id, "userId": user, "context": {"userAgent": agent}});
    let body = json!({"batch": [
        call("bot", Some("u"), Some(GOOGLEBOT)),
        call("unsaid", Some("u"), None),
        call("person", Some("u"), Some(CHROME)),
        call("nobodys-bot", None, Some(GOOGLEBOT)),
        call("nobody", None, Some(CHROME)),
    ]});
    let agent = [("user-agent", "analytics-python/2.3.4"), ("content-type", "application/json")];
    for (key, accepted, dropped) in [("pk_demo", 5, 0), ("pk_open", 5, 0), ("pk_members", 2, 3)] {
        let reply = server.post_with(&format!("/v1/batch?key={key}"), &agent, body.to_string()).await;
        let told = reply.json();
        assert_eq!(
            (reply.status.as_u16(), &told["accepted"], &told["dropped"]),
            (200, &json!(accepted), &json!(dropped)),
            "{key}: {told}"
        );
        if key == "pk_members" {
            let reason = "the event was sent for a bot, and the site takes no events of bots";
            let bot = |index, id| json!({"index": index, "event_id": id, "status": "dropped", "code": "bot", "reason": reason});
            assert_eq!((&told["events"][0], &told["events"][1]), (&bot(0, "bot"), &bot(3, "nobodys-bot")));
            assert_eq!(told["events"][2]["code"], "anonymous");
        }
    }
    // The batch's own context speaks for calls that say nothing, and a call of its own is no other than one in a batch.
    let of_all = json!({"context": {"userAgent": GOOGLEBOT}, "batch": [call("of-all", Some("u"), None)]});
    let alone = call("alone", Some("u"), Some(GOOGLEBOT));
    for (path, body) in [("batch", of_all), ("track", alone)] {
        let reply = server.post_with(&format!("/v1/{path}?key=pk_members"), &agent, body.to_string()).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["dropped"]), (200, &json!(1)), "{path}");
    }

    let told = records(&server)
        .iter()
        .map(|record| {
            (record["write_key"].clone(), record["event_id"].clone(), record["user_agent"]["bot"].clone())
        })
        .collect::<Vec<_>>();
    let ids = ["bot", "unsaid", "person", "nobodys-bot", "nobody"];
    let is_bot = |id: &str| json!(id.ends_with("bot"));
    let mut expected: Vec<_> = ids.iter().map(|id| (json!("pk_demo"), json!(id), is_bot(id))).collect();
    expected.extend(ids.iter().map(|id| (json!("pk_open"), json!(id), Value::Null)));
    expected.extend(["unsaid", "person"].map(|id| (json!("pk_members"), json!(id), json!(false))));
    assert_eq!(told, expected, "in the order of the batch");
    let metrics = server.metrics().await;
    for line in [
        "footfall_events_dropped_by_policy_total{code=\"bot\"} 4",
        "footfall_events_dropped_by_policy_total{code=\"anonymous\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn each_of_a_batchs_visitors_is_known_for_a_browser_or_a_bot_however_many_there_are() {
    let server = start().await;
    let visitors = 1_000;
    let browser = |number: usize| {
        format!("Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko/20100101 Firefox/{number}.0")
    };
    let call = |number: usize| {
        let agent = if number == visitors - 1 { GOOGLEBOT.to_owned() } else { browser(number) };
        json!({"type": "track", "event": "A", "userId": "u", "context": {"userAgent": agent}})
    };
    let body = json!({"batch": (0..visitors).map(call).collect::<Vec<_>>()}).to_string();
    let agent = [("user-agent", "analytics-node/2.1.0"), ("content-type", "application/json")];
    let told = server.post_with("/v1/batch?key=pk_members", &agent, body).await.json();
    let counts = ["accepted", "dropped"].map(|name| told[name].as_u64().unwrap() as usize);
    assert_eq!((counts, &told["events"][0]["code"]), ([visitors - 1, 1], &json!("bot")), "{told}");
    let versions: Vec<_> =
        records(&server).iter().map(|record| record["user_agent"]["browser_version"].clone()).collect();
    let expected: Vec<_> = (0..visitors - 1).map(|number| json!(format!("{number}.0"))).collect();
    assert_eq!(versions, expected);
}

#[tokio::test]
async fn who_asks_for_privacy_is_described_but_not_by_the_header_or_the_click() {
    let server = start().await;
    let body = r#"{"context":{"page":{"url":"https://forum.example/?gclid=G1&utm_source=mail"}},"events":[{"event":"a"}]}"#;
    post(&server, "pk_demo", &[("user-agent", CHROME), ("sec-gpc", "1")], body).await;
    let record = &records(&server)[0];
    assert_eq!(record["user_agent"]["browser"], "Chrome");
    assert_eq!(record["user_agent"]["original"], Value::Null);
    assert_eq!(record["campaign"], json!({"source":"mail"}));
    assert!(!record.to_string().contains("G1"));
}

#[tokio::test]
async fn without_the_rules_only_the_header_is_kept() {
    let server = Server::start(&[("user_agent.parse", "false")]).await;
    post(&server, "pk_demo", &[("user-agent", GOOGLEBOT)], r#"{"events":[{"event":"a"}]}"#).await;
    assert_eq!(records(&server)[0]["user_agent"], json!({"original":GOOGLEBOT}));
}
