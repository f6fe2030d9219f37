//! Which settings of a shared Redis work, what is told of those that do not, and that no password is told with it.

use super::super::tests::resolve;
use super::*;

fn redis(more: &[(&'static str, &str)]) -> Result<Option<RedisSettings>, Vec<String>> {
    let flags: Vec<_> = [("write_key", "pk")].iter().chain(more).copied().collect();
    resolve(&flags, &[], None).map(|settings| settings.redis)
}

fn from_variable(url: &str) -> Result<Option<RedisSettings>, Vec<String>> {
    resolve(&[("write_key", "pk")], &[("FOOTFALL_REDIS_URL", url)], None).map(|settings| settings.redis)
}

#[test]
fn nothing_is_shared_by_default_and_all_of_it_where_a_redis_is_named() {
    assert!(redis(&[]).unwrap().is_none());
    let shared = from_variable("redis://:hunter2x@cache:6380/3").unwrap().unwrap();
    assert_eq!(
        (shared.server.addr().to_string().as_str(), shared.server.redis_settings().db()),
        ("cache:6380", 3)
    );
    assert_eq!(
        (shared.prefix.as_str(), shared.on_failure, shared.cluster),
        ("footfall:", OnFailure::Open, false)
    );
    assert_eq!((shared.timeout, shared.limits), (Duration::from_millis(50), true));
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    assert_eq!((shared.event_ids, shared.receipts), (Some(Duration::from_secs(600)), hours(24)));
    assert!(!format!("{shared:?}").contains("hunter2x"));
    let less = [("redis.url", "rediss://cache"), ("redis.event_ids", "off"), ("redis.receipts_window", "2h")];
    let shared = redis(&less).unwrap().unwrap();
    assert_eq!((shared.event_ids, shared.receipts), (None, hours(2)));
}

#[test]
fn a_file_may_hold_the_url() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("redis.url");
    std::fs::write(&file, "redis://ann:hunter2x@cache\n").unwrap();
    let name = file.display().to_string();
    let shared = redis(&[("redis.url_file", &name)]).unwrap().unwrap();
    assert_eq!(shared.server.addr().to_string(), "cache:6379");
    std::fs::write(&file, "hunter2x ".repeat(5000)).unwrap();
    let told = redis(&[("redis.url_file", &name)]).unwrap_err();
    assert!(told[0].starts_with("--redis-url-file: is no URL") && !told[0].contains("hunter2x"), "{told:?}");
    let told = redis(&[("redis.url_file", "/nowhere")]).unwrap_err();
    assert!(
        told.len() == 1
            && told[0].starts_with("--redis-url-file: names a file whose secret cannot be used: No such"),
        "{told:?}"
    );
}

#[test]
fn a_password_stands_in_a_variable_or_a_file_of_its_own_and_nowhere_else() {
    const RIGHT: &str =
        "; name a file of its own that holds the URL by redis.url_file, or set FOOTFALL_REDIS_URL";
    for url in [
        "redis://:hunter2x@cache",
        "rediss://ann:hunter2x@cache/3",
        "unix:///run/r.sock?user=ann&pass=hunter2x",
    ] {
        let told = redis(&[("redis.url", url)]).unwrap_err();
        let flag =
            "--redis-url: holds a password, which every user of this machine can read on a command line";
        assert_eq!(told, [[flag, RIGHT].concat()], "{url}");
        let file = format!("redis.url = '{url}'");
        let told = resolve(&[("write_key", "pk")], &[], Some(&file)).unwrap_err();
        let file = "footfall.toml:1:7 redis.url: holds a password, which does not belong into this file";
        assert_eq!(told, [[file, RIGHT].concat()], "{url}");
        assert!(from_variable(url).unwrap().unwrap().server.redis_settings().password().is_some());
    }
    // A name alone is none.
    assert!(redis(&[("redis.url", "redis://ann@cache")]).unwrap().is_some());
}

#[test]
fn what_cannot_work_is_told_and_no_password_with_it() {
    let url = ("redis.url", "redis://cache");
    for (more, told) in [
        (&[("redis.url", "hunter2x")][..], "--redis-url: is no URL; it must be redis://"),
        (&[("redis.url", "http://:hunter2x@cache")], "--redis-url: begins with another scheme"),
        (&[("redis.url", "redis://:hunter2x@cache:port")], "--redis-url: cannot be read"),
        (&[("redis.url", "redis://:hunter2x@cache/first")], "--redis-url: cannot be read"),
        (&[("redis.url", "redis://:hunter2x@cache/-1")], "--redis-url: names a database below 0"),
        (&[("redis.url", "rediss://:hunter2x@cache#insecure")], "--redis-url: has a '#'"),
        (
            &[url, ("redis.url_file", "f")],
            "--redis-url-file: is set, and --redis-url too; leave one of the two out",
        ),
        (&[url, ("redis.prefix", "a{b}")], "--redis-prefix: is \"a{b}\"; it must have 1 to 64"),
        (&[url, ("redis.timeout", "2s")], "--redis-timeout: is \"2s\"; it must be from 1ms to 1s"),
        (&[url, ("redis.on_failure", "half")], "--redis-on-failure: is \"half\"; it must be open or closed"),
        (&[url, ("redis.receipts_window", "1s")], "--redis-receipts-window: is \"1s\"; it must be from 1m"),
        (&[("redis.limits", "off")], "--redis-limits: is set, but neither redis.url nor"),
        (
            &[url, ("redis.limits", "off"), ("redis.event_ids", "off"), ("redis.receipts", "off")],
            "--redis-url: names a Redis that nothing is shared through",
        ),
        (
            &[("redis.url", "redis://cache/2"), ("redis.cluster", "on")],
            "--redis-url: names a database or a socket",
        ),
    ] {
        let problems = redis(more).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(told)), "{told}\n{problems:?}");
        assert!(!problems.concat().contains("hunter2x"), "{problems:?}");
    }
}
