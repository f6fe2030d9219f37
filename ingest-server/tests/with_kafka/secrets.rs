//! No secret is printed: the real program is given one wherever it takes one, is made to fail in every way, and
//! everything that comes out of it, at the most detailed log there is, is searched for each.

mod seen;

use crate::support::kafka::Kafka;
use crate::support::live::ask;
use crate::support::redis::Redis;
use crate::support::{send, tls};
use ingest_server::check::UserSigner;
use seen::{Folder, OTHER_TOKEN, PASSWORD, REDIS, Running, Seen, TOKEN, USER};
use serde_json::json;
use std::time::Duration;

/// Requests of all kinds, right and wrong, with secrets in them; what comes back is noted.
async fn use_it(running: &mut Running, folder: &Folder, name: &str, seen: &mut Seen) {
    let (public, admin) = (running.address("http", "events"), running.address("http", "admin"));
    let encrypted = running.address("https", "events");
    let signature = UserSigner::new(USER.as_bytes()).unwrap().sign("ada");
    let batch = |signature: &str| {
        let context = json!({ "user_id": "ada", "user_signature": signature });
        json!({ "context": context, "events": [{ "event": "a" }, { "event": "B", "context": context }] })
            .to_string()
    };
    let bearer = |token: &str| format!("Bearer {token}");
    for (path, body) in [
        ("/v1/events?key=pk_demo", batch(&signature)),
        ("/v1/events?key=pk_other", batch(&signature)),
        ("/v1/events?key=pk_demo", batch("0")),
        ("/v1/events?key=pk_demo", format!("{{\"broken\": \"{TOKEN}")),
        ("/v1/events?key=pk_none", batch(&signature)),
    ] {
        // A client that takes the public address for the private one.
        let headers = [("authorization", &*bearer(TOKEN)), ("content-type", "text/plain")];
        let reply = send(public, "POST", path, &headers, body).await;
        seen.note(format!("{name}: {path}"), format!("{reply:?}"));
    }
    let stream = tls::connect(encrypted, &certificate(folder), &["h2"]).await.unwrap();
    let mut client = tls::http2(stream).await;
    let mut request = tls::batch();
    request.headers_mut().insert("authorization", bearer(TOKEN).parse().unwrap());
    let reply = tls::read(client.send_request(request).await.unwrap()).await;
    seen.note(format!("{name}: by HTTP/2"), format!("{reply:?}"));
    assert!(tls::connect(public, &certificate(folder), &["h2"]).await.is_err(), "TLS where there is none");

    for (query, authorization, fine) in [
        ("", Some(bearer(OTHER_TOKEN)), false),
        ("?token=t0ken-that-opens-the-live-view", None, false),
        ("?write_key=pk_none", Some(bearer(TOKEN)), false),
        ("?replay=100", Some(bearer(TOKEN)), true),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        match ask(admin, query, &headers).await {
            Ok(mut watcher) => {
                assert!(fine);
                let shown =
                    watcher.until_shown(|shown| shown.iter().any(|shown| shown.kind != "accepted")).await;
                seen.note(format!("{name}: the live view"), format!("{shown:?}"));
            }
            Err(reply) => {
                assert!(!fine, "{reply:?}");
                seen.note(format!("{name}: the live view refuses"), format!("{reply:?}"));
            }
        }
    }
    for path in ["/metrics", "/readyz", "/healthz", "/nothing"] {
        let reply = send(admin, "GET", path, &[("authorization", &*bearer(TOKEN))], "").await;
        seen.note(format!("{name}: {path}"), format!("{reply:?}"));
    }
}

fn certificate(folder: &Folder) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;
    PemObject::from_pem_file(folder.dir.path().join("certificate.pem")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_the_program_says() {
    let kafka = Kafka::start("ann", PASSWORD);
    let (folder, mut seen) = (Folder::new(), Seen(Vec::new()));
    let redis = Redis::start_with(&["--requirepass", REDIS]);
    folder.redis(redis.port, REDIS);

    // The right password, from its file: the brokers take the events.
    let settings = folder.settings(&kafka.brokers, "password.secret", "10s");
    let mut running = Running::start(&folder, &settings);
    let (public, admin) = (running.address("http", "events"), running.address("http", "admin"));
    let mut said = String::new();
    let ready = async {
        while said != "ready\n" {
            said = String::from_utf8(send(admin, "GET", "/readyz", &[], "").await.body.to_vec()).unwrap();
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), ready).await.is_err() {
        panic!("{said} {}", kafka.log());
    }
    let body = json!({ "events": [{ "event": "a" }] }).to_string();
    assert_eq!(send(public, "POST", "/v1/events?key=pk_demo", &[], body).await.status, 200);
    use_it(&mut running, &folder, "the right password", &mut seen).await;
    let log = running.end("the right password", &mut seen);
    let told = log.contains("partitioner = murmur2_random");
    assert!(told, "librdkafka's producer tells with what it was made: {log}");

    // Another one: the brokers refuse it, and say so.
    let settings = folder.settings(&kafka.brokers, "wrong.secret", "1s");
    let mut running = Running::start(&folder, &settings);
    running.between("Authentication failed", "");
    running.between("sharing with other servers through Redis", "");
    use_it(&mut running, &folder, "a wrong password", &mut seen).await;
    running.end("a wrong password", &mut seen);

    // Nobody there, and a Redis that wants another password.
    drop(redis);
    let redis = Redis::start_with(&["--requirepass", "another"]);
    folder.redis(redis.port, REDIS);
    let settings = folder.settings("127.0.0.1:1", "password.secret", "1s");
    let mut running = Running::start(&folder, &settings);
    use_it(&mut running, &folder, "no broker", &mut seen).await;
    running.between("Redis is away", "");
    running.end("no broker", &mut seen);

    let config = settings.to_str().unwrap();
    let said =
        seen.output("check-config", folder.command(&["check-config", "--config", config]).output().unwrap());
    assert!(said.contains("admin.token = (not shown)  # FOOTFALL_ADMIN_TOKEN"), "{said}");
    assert!(said.contains("redis.url_file = redis.secret"), "{said}");
    assert!(said.contains("sasl.password_file") && said.contains("The settings are right."), "{said}");
    let list = folder.command(&["dead-letters", "list", "--config", config]).output().unwrap();
    seen.output("dead-letters list", list);

    seen.search(&folder);
    // A search that would find nothing in anything proves nothing.
    for said in ["ann", "pk_demo", "bad_signature", "wrong_token", "token_in_address", "footfall_ready"] {
        assert!(seen.all().contains(said), "{said} is nowhere");
    }
}

#[test]
fn no_secret_is_in_what_is_said_of_wrong_settings() {
    let (folder, mut seen) = (Folder::new(), Seen(Vec::new()));
    let path = folder.dir.path().join("wrong.toml");
    let path = path.to_str().unwrap();
    for (file, flags, right) in [
        (format!("admin.token = '{TOKEN}'"), vec![], "does not belong into this file"),
        (format!("admin.token = {TOKEN}"), vec![], "is not TOML"),
        (format!("admin_token = '{TOKEN}'"), vec![], "unknown key"),
        ("admin.token_file = 'user.secret'".to_owned(), vec![], "leave one of the two out"),
        (format!("kafka.properties = '{PASSWORD}'"), vec![], "must be NAME=VALUE"),
        (
            format!("kafka.brokers = 'k:1'\nkafka.properties.'security.protocol' = '{PASSWORD}'"),
            vec![],
            "security.protocol",
        ),
        (
            format!("kafka.brokers = 'k:1'\nkafka.properties.'sasl.pasword' = '{PASSWORD}'"),
            vec![],
            "sasl.pasword",
        ),
        (format!("[kafka.properties]\nsasl.password = {PASSWORD}"), vec![], "is not TOML"),
        (format!("[site.pk]\nuser_secret = '{USER}'"), vec![], "unknown key"),
        (format!("[site.pk]\nuser_secret_env = '{USER}'"), vec![], "it is not set"),
        (format!("[site.pk]\nuser_secret_file = '{USER}'"), vec![], "No such file"),
        (
            format!("redis.url = 'redis://:{REDIS}@cache'"),
            vec![],
            "holds a password, which does not belong into this",
        ),
        (format!("redis.url = 'redis:/:{REDIS}@cache'"), vec![], "is no URL"),
        (format!("redis.url_file = 'redis://:{REDIS}@cache'"), vec![], "No such file"),
        (String::new(), vec!["--redis-url", REDIS], "is no URL"),
        (
            String::new(),
            vec!["--redis-url", "redis://:p4ssword-of-the-shared-memory@cache"],
            "--redis-url: holds a password, which every user of this machine can read",
        ),
        (String::new(), vec!["--admin-token", TOKEN], "unexpected argument"),
        (
            String::new(),
            vec!["--kafka-propertie", "sasl.password=p4ssword-of-the-brokers"],
            "unexpected argument",
        ),
    ] {
        std::fs::write(path, format!("{file}\n")).unwrap();
        let named = format!("{file} {flags:?}");
        let arguments = [&["check-config", "--write-key", "pk", "--config", path][..], &flags].concat();
        let output = folder.command(&arguments).output().unwrap();
        assert!(!output.status.success(), "{named}");
        let said = seen.output(&named, output);
        assert!(said.contains(right), "{right} is not in {said}");
    }
    // What a variable that is no text says.
    use std::os::unix::ffi::OsStringExt;
    let mut command = folder.command(&["check-config", "--write-key", "pk"]);
    let not_text = std::ffi::OsString::from_vec([TOKEN.as_bytes(), b"\xff"].concat());
    let said = seen.output("no text", command.env("FOOTFALL_ADMIN_TOKEN", not_text).output().unwrap());
    assert!(said.contains("FOOTFALL_ADMIN_TOKEN: is not UTF-8"), "{said}");
    seen.search(&folder);
}
