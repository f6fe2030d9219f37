//! What every answer of the public address carries, whatever was asked and however it went: the headers without which a page
//! could not read it, a shared cache would give it to another, or nobody could find it in the log.

use crate::support::{Reply, Server, send};

const ORIGIN: &str = "https://forum.example";
const PATHS: &[&str] = &[
    "/v1/events",
    "/v1/pixel.gif",
    "/v1/batch",
    "/v1/b",
    "/v1/track",
    "/v1/t",
    "/v1/page",
    "/v1/p",
    "/v1/screen",
    "/v1/s",
    "/v1/identify",
    "/v1/i",
    "/v1/group",
    "/v1/g",
    "/v1/alias",
    "/v1/a",
    "/v1/config/pk_demo",
    "/v1/config/pk_none",
    "/v1/config/%ff",
    "/v1/projects/pk_demo/settings",
    "/v1/projects/pk_none/settings",
    "/v1/projects/%ff/settings",
    "/sdk/footfall.js",
    "/sdk/nothing.js",
    "/",
    "/nothing",
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"];

fn assert_readable(reply: &Reply, what: &str) {
    let has = |name: &str, value: &str| {
        let values: Vec<_> =
            reply.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        let listed =
            values.iter().flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case(value));
        assert!(listed, "{what} ({}): {name} is {values:?}, without {value}", reply.status);
    };
    has("vary", "origin");
    has("access-control-allow-origin", ORIGIN);
    has("access-control-allow-credentials", "true");
    has("x-request-id", "mine-1");
    has("x-content-type-options", "nosniff");
    has("referrer-policy", "no-referrer");
    has("timing-allow-origin", "*");
    assert_eq!(reply.headers.get_all("access-control-allow-origin").iter().count(), 1, "{what}");
}

#[tokio::test]
async fn any_page_may_read_it_no_cache_mixes_it_up_and_it_has_an_id() {
    let server = Server::start(&[]).await;
    let headers = [("origin", ORIGIN), ("x-request-id", "mine-1")];
    let mut statuses = std::collections::BTreeSet::new();
    for path in PATHS {
        for method in METHODS {
            let reply = send(server.public, method, path, &headers, "").await;
            assert_readable(&reply, &format!("{method} {path}"));
            statuses.insert(reply.status.as_u16());
        }
    }
    assert!([200, 400, 401, 404, 405].iter().all(|status| statuses.contains(status)), "{statuses:?}");
    assert!(!statuses.contains(&500), "{statuses:?}");
}

#[tokio::test]
async fn so_has_an_answer_that_refuses_for_whatever_cause() {
    let file = "write_key = ['pk_demo', 'pk_shop', 'pk_slow']\n[site.pk_shop]\norigins = ['https://shop.example']\n\
                [site.pk_slow]\nevents_per_second = 1\n";
    let keys: &[&str] = &["pk_demo", "pk_shop", "pk_slow"];
    let full: &[&str] = &["1MiB"];
    let off: &[&str] = &["off"];
    let more = [("write_key", keys), ("journal.max_bytes", full), ("journal.retention_bytes", off)];
    let server = Server::start_from(&more, Some(file)).await;
    let event = || r#"{"event":"a"}"#.to_owned();
    let events = |count: usize| format!("[{}]", vec![event(); count].join(","));
    let large = format!(r#"{{"event":"a","properties":{{"a":"{}"}}}}"#, "x".repeat(30_000));
    let json = ("content-type", "application/json");
    for (status, query, header, body) in [
        (200, "key=pk_demo", json, event()),
        (400, "key=pk_demo&priority=none", json, event()),
        (400, "key=pk_demo", json, "no JSON".to_owned()),
        (401, "key=pk_none", json, event()),
        (403, "key=pk_shop", json, event()),
        (413, "key=pk_demo", json, events(501)),
        (413, "key=pk_demo", json, " ".repeat(512 * 1024 + 1)),
        (415, "key=pk_demo", ("content-type", "image/gif"), event()),
        (431, "key=pk_demo", ("x-long", &*"x".repeat(17_000)), event()),
        (200, "key=pk_slow", json, events(500)),
        (429, "key=pk_slow", json, events(500)),
    ] {
        let headers = [("origin", ORIGIN), ("x-request-id", "mine-1"), header];
        let reply = server.post_with(&format!("/v1/events?{query}"), &headers, body).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.json());
        assert_readable(&reply, query);
    }
    // Until the journal is full: each is told when to come again, in whatever form it came.
    let headers = [("origin", ORIGIN), ("x-request-id", "mine-1")];
    let picture = format!("/v1/pixel.gif?key=pk_demo&event=a&p.a={}", "x".repeat(7_000));
    let call = format!(r#"{{"event":"A","userId":"u","properties":{{"a":"{}"}}}}"#, "x".repeat(7_000));
    for (method, path, body) in [
        ("POST", "/v1/events?key=pk_demo", large.as_str()),
        ("GET", &picture, ""),
        ("POST", "/v1/track?key=pk_demo", &call),
    ] {
        let mut refused = send(server.public, method, path, &headers, body.to_owned()).await;
        while refused.status == 200 {
            refused = send(server.public, method, path, &headers, body.to_owned()).await;
        }
        let what = path.split('?').next().unwrap();
        assert_eq!(refused.status.as_u16(), 503, "{what}");
        assert_readable(&refused, what);
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1, "{what}");
    }
}
