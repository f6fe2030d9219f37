//! Whose name an event may bear: signed users, and what becomes of events that name none.

use crate::support::program::footfall;
use crate::support::{Reply, Server};
use footfall_delivery::journal::JournalReader;
use ingest_server::check::UserSigner;
use serde_json::{Value, json};

const SECRET: &str = "a-secret-that-nobody-should-see";

const SITES: &str = "
[site.pk_signed]
user_secret_file = 'user.secret'
user_signatures = 'require'
[site.pk_drop]
anonymous = 'drop'
[site.pk_hide]
anonymous = 'anonymise'
";

async fn server() -> (Server, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("user.secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let sites = SITES.replace("user.secret", file.to_str().unwrap());
    let keys = ["pk_signed", "pk_drop", "pk_hide"];
    (Server::start_from(&[("write_key", &keys)], Some(&sites)).await, dir)
}

async fn post(server: &Server, key: &str, body: &Value) -> Reply {
    server.post_with(&format!("/v1/events?key={key}"), &[], body.to_string()).await
}

fn stored(server: &Server) -> Vec<Value> {
    let rows = JournalReader::open(server.data_dir.path()).unwrap().read_after(0, 100).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

#[tokio::test]
async fn nobody_writes_in_a_signed_users_name_without_the_sites_secret() {
    let (server, _dir) = server().await;
    let signature = UserSigner::new(SECRET.as_bytes()).unwrap().sign("ada");
    let batch = json!({
        "context": { "user_id": "ada", "user_signature": signature },
        "events": [
            { "event": "a" },
            { "event": "b", "user_id": "bob", "event_id": "e1" },
            { "event": "c", "context": { "user_signature": "0".repeat(64) } },
        ],
    });
    let answer = post(&server, "pk_signed", &batch).await.json();
    assert_eq!((answer["accepted"].as_u64(), answer["invalid"].as_u64()), (Some(1), Some(2)));
    let told = &answer["events"][0];
    assert_eq!((&told["code"], &told["path"]), (&json!("bad_signature"), &json!("context.user_signature")));
    assert_eq!(told["event_id"], "e1");
    let nobody = json!({ "events": [{ "event": "a" }] });
    assert_eq!(post(&server, "pk_signed", &nobody).await.json()["accepted"], 1);
    let kept = stored(&server);
    assert_eq!((kept.len(), &kept[0]["user_id"]), (2, &json!("ada")));
    assert!(!kept[0].to_string().contains(&signature), "a signature is never stored");
    let unsigned = json!({ "context": { "user_id": "ada" }, "events": [{ "event": "a" }] });
    assert_eq!(post(&server, "pk_hide", &unsigned).await.json()["accepted"], 1, "other sites ask for none");
}

#[tokio::test]
async fn events_without_a_user_are_dropped_in_words_where_the_site_says_so() {
    let (server, _dir) = server().await;
    let batch = json!({ "context": { "anonymous_id": "browser" },
                        "events": [{ "event": "a" }, { "event": "b", "user_id": "ada" }] });
    let answer = post(&server, "pk_drop", &batch).await.json();
    let told = json!([{ "index": 0, "status": "dropped", "code": "anonymous",
                        "reason": "the site takes no events without a user_id" }]);
    assert_eq!((&answer["events"], &answer["code"]), (&told, &json!("partial")));
    assert_eq!((answer["accepted"].as_u64(), answer["dropped"].as_u64()), (Some(1), Some(1)));
    assert_eq!(stored(&server).len(), 1);
}

#[tokio::test]
async fn events_without_a_user_are_kept_without_ids_where_the_site_says_so() {
    let (server, _dir) = server().await;
    let context =
        json!({ "anonymous_id": "browser", "session_id": "visit", "page_view_id": "view", "locale": "de" });
    let batch = json!({ "context": context,
                        "events": [{ "event": "a" }, { "event": "b", "user_id": "ada" }, { "event": "c" }] });
    let answer = post(&server, "pk_hide", &batch).await.json();
    assert_eq!((answer["code"].as_str(), answer["accepted"].as_u64()), (Some("ok"), Some(3)));
    let kept = stored(&server);
    for record in [&kept[0], &kept[2]] {
        for gone in ["anonymous_id", "session_id", "page_view_id", "user_id"] {
            assert_eq!(record[gone], Value::Null, "{record}");
        }
        assert_eq!(
            (&record["client"]["address"], &record["context"]["locale"]),
            (&Value::Null, &json!("de"))
        );
    }
    assert_eq!((&kept[1]["anonymous_id"], &kept[1]["user_id"]), (&json!("browser"), &json!("ada")));
    assert_eq!(kept[1]["client"]["address"], "127.0.0.0");
}

#[test]
fn a_wrong_secret_is_told_and_a_right_one_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("footfall.toml");
    let run = |site: &str, secret: &str| {
        std::fs::write(&settings, format!("write_key = 'pk'\n[site.pk]\n{site}\n")).unwrap();
        let mut command = footfall(&["check-config", "--config", settings.to_str().unwrap()]);
        let output = command.env("FORUM_SECRET", secret).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let right = "user_secret_env = 'FORUM_SECRET'\nuser_signatures = 'require'\nanonymous = 'drop'";
    let said = run(right, SECRET);
    let line = "site.pk: no tracking plan; events without a user are dropped; users must be signed";
    assert!(
        said.contains(line) && said.contains("The settings are right.") && !said.contains(SECRET),
        "{said}"
    );
    let said = run(right, "hunter2");
    assert!(said.contains("site.pk.user_secret_env: names a variable whose secret cannot be used: it has fewer than 16 bytes"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    for (wrong, told) in [
        ("user_signatures = 'require'", "site.pk.user_signatures: needs the site's secret"),
        ("user_signatures = 'yes'", "site.pk.user_signatures: is \"yes\"; it must be require or off"),
        ("anonymous = 'deny'", "site.pk.anonymous: is \"deny\"; it must be accept, anonymise or drop"),
        (
            "user_secret_file = 'none'",
            "user_secret_file: names a file whose secret cannot be used: No such file",
        ),
        ("user_secret_file = 'a'\nuser_secret_env = 'b'", "is a second secret; name one by"),
    ] {
        let said = run(wrong, SECRET);
        assert!(said.contains(told), "{told}\n is not in {said}");
    }
}
