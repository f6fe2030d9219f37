//! The settings of what several servers share through Redis: where it is, what is shared, and what happens while it is away.
//! The address may hold a password, so no message repeats it.

use super::checks::beside;
use super::value::{duration, switch};
use super::{Origin, Problem, Reader};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What several servers share.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// Where Redis is, and who we are there. Its `Debug` form shows no password.
    pub server: ConnectionInfo,
    /// Whether that is a node of a Redis Cluster.
    pub cluster: bool,
    /// What all keys begin with.
    pub prefix: String,
    /// How long a command may take.
    pub timeout: Duration,
    /// What happens while Redis is away.
    pub on_failure: OnFailure,
    /// Whether the buckets of rate limits are shared.
    pub limits: bool,
    /// Whether the ids of events are, and for how long one is known.
    pub event_ids: Option<Duration>,
    /// Whether the ids of batches are, and for how long one is known.
    pub receipts: Option<Duration>,
}

/// What happens to requests while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// They are taken, and each server counts and knows for itself. The default.
    Open,
    /// They are refused with 503.
    Closed,
}

/// Each request may wait for it, a few times in a row.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);
/// A shorter memory would forget a batch before its sender tries again.
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 60 * 60);
const PREFIX_BYTES: usize = 64;
/// A URL and the line's end around it; a longer file is something else.
const URL_FILE_BYTES: u64 = 4096;

impl Reader<'_> {
    /// What is shared, where a Redis is named; a setting of it without one is a contradiction.
    pub(super) fn redis(&mut self) -> Option<RedisSettings> {
        let cluster = self.one("redis.cluster", switch);
        let prefix = self.one("redis.prefix", prefix);
        let timeout =
            self.one("redis.timeout", |text| within(text, TIMEOUTS, "from 1ms to 1s, such as 50ms"));
        let on_failure = self.one("redis.on_failure", on_failure);
        let limits = self.one("redis.limits", switch);
        let event_ids = self.one("redis.event_ids", switch);
        let window = |text: &str| within(text, WINDOWS, "from 1m to 24h, such as 10m");
        let event_ids_window = self.one("redis.event_ids_window", window);
        let receipts = self.one("redis.receipts", switch);
        let receipts_window = self.one("redis.receipts_window", window);
        let Some((origin, url)) = self.redis_url() else {
            self.redis_without_url();
            return None;
        };
        let server = match server(&url) {
            Ok(server) => Some(server),
            Err(message) => {
                self.problems.push(Problem::new(&origin, message));
                None
            }
        };
        if limits == Some(false) && event_ids == Some(false) && receipts == Some(false) {
            let message = "names a Redis that nothing is shared through: switch on redis.limits, redis.event_ids or \
                           redis.receipts, or leave this out";
            self.problems.push(Problem::new(&origin, message));
        }
        if let (Some(true), Some(server)) = (cluster, &server)
            && (server.redis_settings().db() != 0 || matches!(server.addr(), ConnectionAddr::Unix(_)))
        {
            let message = "names a database or a socket, which a Redis Cluster does not have: name one of its nodes as \
                           redis://host:port";
            self.problems.push(Problem::new(&origin, message));
        }
        Some(RedisSettings {
            server: server?,
            cluster: cluster?,
            prefix: prefix?,
            timeout: timeout?,
            on_failure: on_failure?,
            limits: limits?,
            event_ids: event_ids?.then_some(event_ids_window?),
            receipts: receipts?.then_some(receipts_window?),
        })
    }

    /// The URL itself or what its file holds, and where it was said.
    fn redis_url(&mut self) -> Option<(Origin, String)> {
        let url = self.sources.get("redis.url");
        let Some(file) = self.sources.get("redis.url_file") else {
            return url.map(|said| (said.origin, said.values.concat()));
        };
        if url.is_some() {
            let message = "is set, and redis.url too: leave one of them out";
            self.problems.push(Problem::new(&file.origin, message));
            return None;
        }
        let path = beside(&file.origin, &file.values.concat());
        let read = fs::metadata(&path).and_then(|found| {
            if found.len() > URL_FILE_BYTES {
                return Err(std::io::Error::other(format!("it has more than {URL_FILE_BYTES} bytes")));
            }
            fs::read_to_string(&path)
        });
        match read {
            Ok(text) => Some((file.origin, text.trim().to_owned())),
            Err(error) => {
                let message = format!("names the file {}, which cannot be read: {error}", path.display());
                self.problems.push(Problem::new(&file.origin, message));
                None
            }
        }
    }

    fn redis_without_url(&mut self) {
        if ["redis.url", "redis.url_file"].iter().any(|key| self.sources.get(key).is_some()) {
            return;
        }
        for key in [
            "redis.cluster",
            "redis.prefix",
            "redis.timeout",
            "redis.on_failure",
            "redis.limits",
            "redis.event_ids",
            "redis.event_ids_window",
            "redis.receipts",
            "redis.receipts_window",
        ] {
            let said = self.sources.get(key).filter(|said| !matches!(said.origin, Origin::Default(_)));
            if let Some(said) = said {
                let message =
                    "is set, but neither redis.url nor redis.url_file is: name the Redis, or leave this out";
                self.problems.push(Problem::new(said.origin, message));
            }
        }
    }
}

/// Reads a URL; what it says wrong is told without repeating it.
fn server(url: &str) -> Result<ConnectionInfo, String> {
    const RIGHT: &str = "it must be redis://[user:password@]host[:port][/database], rediss://… for TLS, or \
                         unix:///path; it is not repeated here, since it may hold a password";
    let wrong = |what: &str| format!("{what}; {RIGHT}");
    let Some((scheme, rest)) = url.split_once("://") else { return Err(wrong("is no URL")) };
    if !matches!(scheme, "redis" | "rediss" | "unix") {
        return Err(wrong("begins with another scheme"));
    }
    if rest.contains('#') {
        return Err(wrong("has a '#', which a password has as %23; certificates are always verified"));
    }
    let read = url.into_connection_info();
    let server =
        read.map_err(|_| wrong("cannot be read (a password has '/' as %2F, '@' as %40, ':' as %3A)"))?;
    if server.redis_settings().db() < 0 {
        return Err(wrong("names a database below 0"));
    }
    Ok(server)
}

fn prefix(text: &str) -> Result<String, String> {
    // A brace would decide which node of a cluster has the key.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":_-./".contains(&byte);
    if (1..=PREFIX_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("it must have 1 to 64 letters, digits, ':', '_', '-', '.' or '/', such as footfall:".to_owned())
}

fn within(text: &str, allowed: RangeInclusive<Duration>, right: &str) -> Result<Duration, String> {
    duration(text)
        .ok()
        .filter(|duration| allowed.contains(duration))
        .ok_or_else(|| format!("it must be {right}"))
}

fn on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "open" => Ok(OnFailure::Open),
        "closed" => Ok(OnFailure::Closed),
        _ => Err("it must be open or closed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn redis(more: &[(&'static str, &str)]) -> Result<Option<RedisSettings>, Vec<String>> {
        let flags: Vec<_> = [("write_key", "pk")].iter().chain(more).copied().collect();
        resolve(&flags, &[], None).map(|settings| settings.redis)
    }

    #[test]
    fn nothing_is_shared_by_default_and_all_of_it_where_a_redis_is_named() {
        assert!(redis(&[]).unwrap().is_none());
        let shared = redis(&[("redis.url", "redis://:hunter2x@cache:6380/3")]).unwrap().unwrap();
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
        let less =
            [("redis.url", "rediss://cache"), ("redis.event_ids", "off"), ("redis.receipts_window", "2h")];
        let shared = redis(&less).unwrap().unwrap();
        assert_eq!((shared.event_ids, shared.receipts), (None, hours(2)));
    }

    #[test]
    fn a_file_may_hold_the_url() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("redis.url");
        fs::write(&file, "redis://ann:hunter2x@cache\n").unwrap();
        let name = file.display().to_string();
        let shared = redis(&[("redis.url_file", &name)]).unwrap().unwrap();
        assert_eq!(shared.server.addr().to_string(), "cache:6379");
        fs::write(&file, "x".repeat(5000)).unwrap();
        let told = redis(&[("redis.url_file", &name)]).unwrap_err();
        assert!(told[0].contains("it has more than 4096 bytes"), "{told:?}");
        let told = redis(&[("redis.url_file", "/nowhere")]).unwrap_err();
        assert!(
            told.len() == 1 && told[0].starts_with("--redis-url-file: names the file /nowhere, which"),
            "{told:?}"
        );
    }

    #[test]
    fn what_cannot_work_is_told_and_no_password_with_it() {
        let url = ("redis.url", "redis://:hunter2x@cache");
        for (more, told) in [
            (&[("redis.url", "hunter2x")][..], "--redis-url: is no URL; it must be redis://"),
            (&[("redis.url", "http://:hunter2x@cache")], "--redis-url: begins with another scheme"),
            (&[("redis.url", "redis://:hunter2x@cache:port")], "--redis-url: cannot be read"),
            (&[("redis.url", "redis://:hunter2x@cache/first")], "--redis-url: cannot be read"),
            (&[("redis.url", "redis://:hunter2x@cache/-1")], "--redis-url: names a database below 0"),
            (&[("redis.url", "rediss://:hunter2x@cache#insecure")], "--redis-url: has a '#'"),
            (&[url, ("redis.url_file", "f")], "--redis-url-file: is set, and redis.url too"),
            (&[url, ("redis.prefix", "a{b}")], "--redis-prefix: is \"a{b}\"; it must have 1 to 64"),
            (&[url, ("redis.timeout", "2s")], "--redis-timeout: is \"2s\"; it must be from 1ms to 1s"),
            (
                &[url, ("redis.on_failure", "half")],
                "--redis-on-failure: is \"half\"; it must be open or closed",
            ),
            (
                &[url, ("redis.receipts_window", "1s")],
                "--redis-receipts-window: is \"1s\"; it must be from 1m",
            ),
            (&[("redis.limits", "off")], "--redis-limits: is set, but neither redis.url nor"),
            (
                &[url, ("redis.limits", "off"), ("redis.event_ids", "off"), ("redis.receipts", "off")],
                "--redis-url: names a Redis that nothing is shared through",
            ),
            (
                &[("redis.url", "redis://:hunter2x@cache/2"), ("redis.cluster", "on")],
                "--redis-url: names a database or a socket",
            ),
        ] {
            let problems = redis(more).unwrap_err();
            assert!(problems.iter().any(|problem| problem.starts_with(told)), "{told}\n{problems:?}");
            assert!(!problems.concat().contains("hunter2x"), "{problems:?}");
        }
    }
}
