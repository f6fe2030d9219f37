//! Whose request it is, and what is kept of that: what came over a real socket, and the record that follows.

use crate::support::{Server, geo_file, stored, until};
use serde_json::{Value, json};

const EVENT: &str = r#"{"events":[{"event":"a"}]}"#;

/// The `client` of the record that each of these requests became.
async fn clients(settings: &[(&'static str, &[&str])], requests: &[&[(&str, &str)]]) -> Vec<Value> {
    let server = Server::start_with(settings).await;
    for headers in requests {
        let reply = server.post_with("/v1/events?key=pk_demo", headers, EVENT).await;
        assert_eq!(reply.code(), "ok", "{headers:?}");
    }
    let (ended, dir) = server.stop().await;
    ended.unwrap();
    stored(dir.path()).into_iter().map(|record| record["client"].clone()).collect()
}

#[tokio::test]
async fn nobody_is_believed_unless_the_settings_say_so() {
    let spoofed: &[(&str, &str)] = &[
        ("x-forwarded-for", "198.51.100.1"),
        ("forwarded", "for=198.51.100.1"),
        ("x-real-ip", "198.51.100.1"),
        ("cf-connecting-ip", "198.51.100.1"),
        ("true-client-ip", "198.51.100.1"),
    ];
    let kept = clients(&[("privacy.address", &["full"])], &[spoofed]).await;
    assert_eq!(kept, [json!({"address": "127.0.0.1", "address_policy": "full"})]);
    let others: &[&str] = &["10.0.0.0/8", "::1"];
    let kept = clients(&[("privacy.address", &["full"]), ("proxies.trusted", others)], &[spoofed]).await;
    assert_eq!(kept, [json!({"address": "127.0.0.1", "address_policy": "full"})]);
}

#[tokio::test]
async fn the_client_is_the_rightmost_hop_that_is_not_trusted() {
    let settings: &[(_, &[&str])] =
        &[("privacy.address", &["full"]), ("proxies.trusted", &["127.0.0.0/8", "10.0.0.0/8"])];
    let kept = clients(
        settings,
        &[
            &[("x-forwarded-for", "192.0.2.66, 198.51.100.1, 10.0.0.2")],
            &[("x-forwarded-for", "192.0.2.66"), ("x-forwarded-for", "[2001:db8::9]:51, 10.0.0.2")],
            &[("x-forwarded-for", "198.51.100.1, unknown")],
            &[("forwarded", "for=198.51.100.1")],
        ],
    )
    .await;
    let addresses: Vec<_> = kept.iter().map(|client| client["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["198.51.100.1", "2001:db8::9", "127.0.0.1", "127.0.0.1"]);
}

#[tokio::test]
async fn the_policy_is_applied_to_the_client_and_not_to_the_proxy() {
    let settings: &[(_, &[&str])] =
        &[("proxies.trusted", &["127.0.0.1"]), ("proxies.header", &["Forwarded"])];
    let kept = clients(settings, &[&[("forwarded", "for=\"[2001:db8:1:2::3]:4\";proto=https")]]).await;
    assert_eq!(kept, [json!({"address": "2001:db8:1::", "address_policy": "truncate"})]);
}

/// Where MaxMind's test databases know a city and a network, in Linköping.
const KNOWN: (&str, &str) = ("x-forwarded-for", "89.160.20.128");

#[tokio::test]
async fn the_place_is_looked_up_before_the_address_is_cut() {
    let (city, asn) = (geo_file("GeoIP2-City-Test.mmdb"), geo_file("GeoLite2-ASN-Test.mmdb"));
    let files: &[&str] = &[&city, &asn];
    let settings: &[(_, &[&str])] = &[("proxies.trusted", &["127.0.0.1"]), ("geo.files", files)];
    let kept = clients(settings, &[&[KNOWN], &[KNOWN, ("sec-gpc", "1")], &[]]).await;
    assert_eq!(
        kept,
        [
            json!({"address": "89.160.20.0", "address_policy": "truncate", "country": "SE", "region": "SE-E",
                   "region_name": "Östergötland County", "city": "Linköping", "asn": 29518, "as_name": "Bredband2 AB"}),
            json!({"address_policy": "drop", "country": "SE"}),
            json!({"address": "127.0.0.0", "address_policy": "truncate"}),
        ]
    );
}

#[tokio::test]
async fn a_hashed_address_is_told_apart_and_not_told() {
    let settings: &[(_, &[&str])] = &[("proxies.trusted", &["127.0.0.1"]), ("privacy.address", &["hash"])];
    let kept = clients(settings, &[&[KNOWN], &[("x-forwarded-for", "89.160.20.129")], &[KNOWN]]).await;
    let hashes: Vec<_> = kept.iter().map(|client| client["address"].as_str().unwrap()).collect();
    assert!(kept.iter().all(|client| client["address_policy"] == "hash"));
    // The day may end between the first and the last.
    assert!(
        hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes.iter().all(|hash| hash.len() == 32),
        "{hashes:?}"
    );
}

#[tokio::test]
async fn a_database_is_replaced_while_the_server_runs_and_its_age_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("places.mmdb");
    std::fs::copy(geo_file("geo-whois-asn-country.mmdb"), &path).unwrap();
    let files: &[&str] = &[path.to_str().unwrap()];
    let settings: &[(_, &[&str])] =
        &[("proxies.trusted", &["127.0.0.1"]), ("geo.files", files), ("geo.check_interval", &["10ms"])];
    let server = Server::start_with(settings).await;
    let metric = async |name: &str| {
        let text = server.get("/metrics").await.body;
        let text = String::from_utf8(text.to_vec()).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    let built = "footfall_geo_database_built_timestamp_seconds{file=\"places.mmdb\"}";
    let first = metric(built).await;
    assert!(first > 1_500_000_000, "{first}");

    let beside = dir.path().join("new");
    std::fs::copy(geo_file("GeoIP2-City-Test.mmdb"), &beside).unwrap();
    std::fs::rename(&beside, &path).unwrap();
    until(async || metric(built).await != first).await;

    std::fs::write(&path, "half of it").unwrap();
    until(async || metric("footfall_geo_databases_refused_total").await > 0).await;
    assert_eq!(server.post_with("/v1/events?key=pk_demo", &[KNOWN], EVENT).await.code(), "ok");
    let (ended, dir) = server.stop().await;
    ended.unwrap();
    assert_eq!(stored(dir.path())[0]["client"]["city"], "Linköping");
}
