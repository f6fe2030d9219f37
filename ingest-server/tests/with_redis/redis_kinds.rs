//! The kinds of Redis that servers can share through: by TLS, over a Unix socket, with a user of its own who may do no more
//! than is needed, and a cluster of several nodes.

use crate::support::ports::free_port;
use crate::support::program::Program;
use crate::support::redis::Redis;
use crate::support::{Server, tls};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn batch(id: &str, event_ids: &[&str]) -> String {
    let events: Vec<_> = event_ids.iter().map(|id| json!({"event": "a", "event_id": id})).collect();
    json!({"batch_id": id, "events": events}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tls_the_certificate_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let pair = tls::pair(dir.path());
    let (certificate, key) = (pair.certificate.to_str().unwrap(), pair.key.to_str().unwrap());
    let redis = Redis::start_with(&[
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-cert-file",
        certificate,
        "--tls-key-file",
        key,
        "--tls-ca-cert-file",
        certificate,
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "hunter2x",
    ]);
    let url = |host: &str| format!("rediss://:hunter2x@{host}:{}", redis.port);
    let start = |name: &str, host: &str, trusted: &Path| {
        let url = url(host);
        let variables = [("SSL_CERT_FILE", trusted), ("FOOTFALL_REDIS_URL", Path::new(&url))];
        Program::start_in(&dir.path().join(name), &["--redis-timeout", "1s"], &variables)
    };
    for name in ["one", "two"] {
        let program = start(name, "localhost", &pair.certificate);
        assert!(program.start.contains("sharing with other servers"), "{}", program.start);
        let told = program.post(batch(name, &["e1"])).await.json();
        assert_eq!(told["duplicate"], i32::from(name == "two"), "{told}");
    }
    let other = tempfile::tempdir().unwrap();
    let stranger = tls::pair(other.path()).certificate;
    for (host, trusted) in [("localhost", &stranger), ("127.0.0.1", &pair.certificate)] {
        let program = start("three", host, trusted);
        assert!(
            program.start.contains("Redis is away") && program.start.contains("ertificate"),
            "{}",
            program.start
        );
    }
}

/// Makes a user who may do what docs/operating.md says, and that.
fn allow(redis: &Redis, more: &str) {
    let rights = "on >hunter2x ~footfall:* +evalsha +script|load +info +get +set +mget +del +pexpire +time";
    let rights: Vec<_> = rights.split(' ').chain(more.split(' ')).filter(|right| !right.is_empty()).collect();
    redis.say(&[&["acl", "setuser", "footfall"], &rights[..]].concat());
}

/// The name of a file that holds that URL.
fn url_file(redis: &Redis, url: &str) -> String {
    let file = redis.dir().join("redis.url");
    std::fs::write(&file, url).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn over_a_unix_socket_with_a_user_who_may_do_no_more_than_is_needed() {
    let redis = Redis::start_with(&["--unixsocket", "redis.sock", "--unixsocketperm", "600"]);
    allow(&redis, "");
    let socket = redis.dir().join("redis.sock");
    let url = format!("unix://{}?user=footfall&pass=hunter2x", socket.display());
    let url = url_file(&redis, &url);
    let more = [
        ("redis.url_file", url.as_str()),
        ("redis.timeout", "1s"),
        ("limits.private_addresses", "limit"),
        ("limits.key_events_per_second", "1000"),
    ];
    let servers = [Server::start(&more).await, Server::start(&more).await];
    assert_eq!(servers[0].post(batch("b1", &["e1"])).await.json()["accepted"], 1);
    assert_eq!(servers[1].post(batch("b2", &["e1", "e2"])).await.json()["duplicate"], 1);
    let asked = r#"{"unconfirmed":["b1"],"events":[]}"#;
    assert_eq!(servers[1].post(asked).await.json()["receipts"][0]["status"], "stored");
    for server in servers {
        let text = server.metrics().await;
        assert!(text.contains("footfall_redis_connected 1") && !text.contains("result=\"error\""), "{text}");
    }
}

/// Three nodes that share the keys among them.
fn cluster() -> Vec<Redis> {
    let bus = [(); 3].map(|()| free_port().to_string());
    let node = |bus: &String| {
        Redis::start_with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            bus,
            "--cluster-node-timeout",
            "2000",
        ])
    };
    let nodes: Vec<_> = bus.iter().map(node).collect();
    let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
    let made =
        Command::new("redis-cli").args(["--cluster", "create"]).args(addresses).arg("--cluster-yes").output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    nodes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_shares_the_sites_among_its_nodes() {
    let mut nodes = cluster();
    let sites = ["pk_demo", "pk_b", "pk_c", "pk_d", "pk_e", "pk_f"];
    nodes.iter().for_each(|node| allow(node, "+cluster"));
    let url = format!("redis://footfall:hunter2x@127.0.0.1:{}", nodes[0].port);
    let url = url_file(&nodes[0], &url);
    let more: [(&'static str, &[&str]); 6] = [
        ("write_key", &sites),
        ("redis.url_file", &[&url]),
        ("redis.cluster", &["on"]),
        ("redis.timeout", &["1s"]),
        ("limits.private_addresses", &["limit"]),
        ("limits.key_events_per_second", &["1000"]),
    ];
    let servers = [Server::start_with(&more).await, Server::start_with(&more).await];
    for server in &servers {
        server.until_metric("footfall_redis_connected 1").await;
    }
    let post = async |server: usize, site: &str, body: String| {
        servers[server].post_with(&format!("/v1/events?key={site}"), &[], body).await
    };
    for site in sites {
        assert_eq!(post(0, site, batch("b1", &["e1", "e2"])).await.json()["accepted"], 2);
        let told = post(1, site, batch("b2", &["e2", "e3", "e1"])).await.json();
        assert_eq!((&told["accepted"], &told["duplicate"]), (&json!(1), &json!(2)), "{site}");
        let told = post(1, site, r#"{"unconfirmed":["b1"],"events":[]}"#.to_owned()).await.json();
        assert_eq!(told["receipts"][0]["status"], "stored");
    }
    let text = servers[1].metrics().await;
    assert!(!text.contains("result=\"error\"") && !text.contains("result=\"away\""), "{text}");
    for node in &nodes {
        let keys = node.keys();
        assert!(keys.iter().any(|key| key.contains("{pk_")), "each has some sites: {keys:?}");
    }

    nodes[2].kill();
    servers[0].until_metric("footfall_redis_connected 0").await;
    for site in sites {
        let reply =
            tokio::time::timeout(Duration::from_secs(5), post(0, site, batch("b3", &["e4"]))).await.unwrap();
        assert_eq!(reply.json()["accepted"], 1, "{site}");
    }
    nodes[2].restart();
    allow(&nodes[2], "+cluster");
    servers[0].until_metric("footfall_redis_connected 1").await;
    servers[0].until_metric("footfall_redis_untold_batches 0").await;
    servers[1].until_metric("footfall_redis_connected 1").await;
    for site in sites {
        assert_eq!(post(1, site, batch("b4", &["e4"])).await.json()["duplicate"], 1, "{site}");
    }
}
