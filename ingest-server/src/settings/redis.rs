//! The settings of what several servers share through Redis: where it is, what is shared, and what happens while it is away.
//! The address may hold a password, so no message repeats it.

use super::value::{duration, switch};
use super::{Origin, Problem, Reader};
use crate::secret::Secret;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
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
        let server = match server(url.expose()) {
            Ok(server) => {
                self.check_password(&server);
                Some(server)
            }
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
    fn redis_url(&mut self) -> Option<(Origin, Secret)> {
        let url = self.secret("redis.url", "redis.url_file")?;
        let said = self.sources.get("redis.url").or_else(|| self.sources.get("redis.url_file"))?;
        Some((said.origin, url))
    }

    /// A password is a secret like any other: it is taken from where nobody else reads it.
    fn check_password(&mut self, server: &ConnectionInfo) {
        let Some(url) = self.sources.get("redis.url") else { return };
        let why = match url.origin {
            Origin::Flag(_) => "which every user of this machine can read on a command line",
            Origin::File { .. } => "which does not belong into this file",
            Origin::Env(_) | Origin::Default(_) => return,
        };
        if server.redis_settings().password().is_some() {
            let message = format!(
                "holds a password, {why}; name a file of its own that holds the URL by redis.url_file, or set \
                 FOOTFALL_REDIS_URL"
            );
            self.problems.push(Problem::new(url.origin, message));
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
mod tests;
