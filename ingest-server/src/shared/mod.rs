//! What several servers share through Redis: the buckets of rate limits, the ids of events and of batches.
//! What those mean is decided where each server keeps its own; where no Redis is set, nothing here exists.

mod backlog;
mod connection;
mod holding;
mod keeper;
mod keys;
mod link;
mod question;
mod scripts;

pub use holding::{BatchFate, BatchReserved, Holding};
pub use question::{Known, Reach};
pub(crate) use scripts::Command;

use crate::metrics::RedisMetrics;
use crate::refusal::Refused;
use crate::settings::{OnFailure, RedisSettings};
use backlog::{Backlog, Settlement};
use keys::Keys;
use link::Link;
use scripts::TAKE_TOKENS;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How long a reservation holds beyond the time that a store may take: the waits for copies, devices, order and dead
/// letters that one request can meet.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// The memory that is shared.
#[derive(Debug)]
pub struct SharedMemory {
    settings: RedisSettings,
    lease: Duration,
    link: Link,
    keys: Keys,
    backlog: Backlog,
    /// What is released by requests that have ended.
    releases: TaskTracker,
    /// What begins the tokens of this process.
    name: String,
    tokens: AtomicU64,
    metrics: RedisMetrics,
}

/// Redis did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    /// Whether it was asked all the same, and may have done it.
    pub asked: bool,
}

/// What Redis says of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Nanoseconds until the bucket is full.
    pub missing_ns: u64,
    /// Nanoseconds until what was asked for may be taken; 0 where it was.
    pub wait_ns: u64,
}

impl SharedMemory {
    /// The memory, after one try to reach it. `delivery_timeout` is how long a store may take.
    pub async fn open(
        settings: &RedisSettings,
        delivery_timeout: Duration,
        metrics: RedisMetrics,
    ) -> Arc<Self> {
        let memory = Arc::new(Self {
            lease: delivery_timeout + LEASE_MARGIN,
            link: Link::new(settings, metrics.clone()),
            keys: Keys::new(&settings.prefix),
            backlog: Backlog::new(metrics.clone()),
            releases: TaskTracker::new(),
            name: keys::random_name(),
            tokens: AtomicU64::new(0),
            metrics,
            settings: settings.clone(),
        });
        memory.connect().await;
        memory
    }

    /// Whether the buckets of rate limits are shared.
    pub fn shares_limits(&self) -> bool {
        self.settings.limits
    }

    /// Begins what one request of a site reserves.
    pub fn hold(self: &Arc<Self>, write_key: &str) -> Holding {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        Holding::new(Arc::clone(self), write_key, format!("{}-{number:x}", self.name))
    }

    /// Whether a request may go on without Redis.
    ///
    /// # Errors
    /// [`Refused::RedisUnavailable`] where the settings say `closed`.
    pub fn go_on(&self) -> Result<(), Refused> {
        match self.settings.on_failure {
            OnFailure::Open => Ok(()),
            OnFailure::Closed => Err(Refused::RedisUnavailable),
        }
    }

    /// Refuses a request before its body is read, where nothing may be taken without Redis and it is away.
    ///
    /// # Errors
    /// [`Refused::RedisUnavailable`].
    pub fn admit(&self) -> Result<(), Refused> {
        self.refuses().map_or(Ok(()), |_| Err(Refused::RedisUnavailable))
    }

    /// Why no requests are taken, where that is so.
    pub fn refuses(&self) -> Option<&'static str> {
        let refuses = self.settings.on_failure == OnFailure::Closed && !self.link.is_up();
        refuses.then_some("Redis is away, and redis.on_failure is closed")
    }

    /// Takes tokens from the bucket of a site's write key: nanoseconds of one token, and of a full bucket.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn take_of_key(&self, write_key: &str, rate: [u64; 2], tokens: u32) -> Result<Tokens, Away> {
        self.take(self.keys.rate(write_key), rate, tokens).await
    }

    /// The same of the bucket of a client address; `site` tells buckets of sites apart that have a rate of their own.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn take_of_address(
        &self,
        counted: u128,
        site: Option<&str>,
        rate: [u64; 2],
    ) -> Result<Tokens, Away> {
        let Some(salt) = self.link.facts().map(|facts| facts.salt) else {
            self.metrics.count(&TAKE_TOKENS, "away");
            return Err(Away { asked: false });
        };
        self.take(self.keys.address(&salt, counted, site), rate, 1).await
    }

    async fn take(&self, bucket: String, [interval, depth]: [u64; 2], tokens: u32) -> Result<Tokens, Away> {
        let fill = |call: &mut redis::ScriptInvocation<'_>| {
            call.key(bucket).arg(interval).arg(depth).arg(tokens);
        };
        let (missing_ns, wait_ns) = self.link.call(&TAKE_TOKENS, fill).await?;
        Ok(Tokens { missing_ns, wait_ns })
    }

    /// Tells what became of a request; where Redis is away, as soon as it is back.
    async fn tell(&self, settlement: Settlement) {
        for at in 0..settlement.calls() {
            if self.link.call::<()>(&scripts::SETTLE, |call| settlement.fill(at, call)).await.is_err() {
                // It may be told twice.
                return self.backlog.push(settlement);
            }
        }
    }

    /// Waits for what ended requests still have to release: each at most as long as its few commands may take.
    pub async fn close(&self) {
        self.releases.close();
        self.releases.wait().await;
        let left = self.backlog.len();
        if left > 0 {
            tracing::warn!(
                batches = left,
                "Redis was away at the end: other servers do not know of these batches"
            );
        }
    }
}
