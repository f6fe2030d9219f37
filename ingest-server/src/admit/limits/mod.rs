//! Rate limits: requests by client address before a body is read, events by write key once they are counted.
//! Both are token buckets, in the memory of this process or, where that is set, shared by several through Redis.

mod addresses;
mod bucket;
mod shared;

pub use bucket::Quota;

use crate::refusal::Refused;
use crate::settings::{LimitSettings, Settings};
use crate::shared::SharedMemory;
use addresses::{Addresses, counted, is_private};
use bucket::Bucket;
use footfall_event_model::wire::BatchError;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many may come: in the long run, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: u32,
    /// Tokens at once, where nothing came before.
    pub burst: u32,
}

/// What is counted against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Requests of one client address.
    Address,
    /// Events of one write key.
    Key,
}

impl Counted {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Key => "key",
        }
    }
}

/// The limits of all sites and addresses.
#[derive(Debug)]
pub struct Limits {
    began: Instant,
    private_addresses: bool,
    address: Option<Bucket>,
    sites: BTreeMap<String, Site>,
    addresses: Addresses,
    /// Where several servers share the buckets.
    shared: Option<Arc<SharedMemory>>,
}

/// The limits of one site.
#[derive(Debug)]
struct Site {
    key: Option<Bucket>,
    /// When the key's bucket is full.
    key_full_at: AtomicU64,
    /// What the site says of addresses; `None` where the general limit holds.
    address: Option<Option<Bucket>>,
}

impl Limits {
    /// The limits of the settings.
    pub fn new(settings: &Settings, shared: Option<Arc<SharedMemory>>) -> Self {
        let LimitSettings { key_events, address_requests, private_addresses, .. } = settings.limits;
        let site = |write_key: &String| {
            let own = settings.sites.get(write_key).map(|site| site.limits).unwrap_or_default();
            let site = Site {
                key: own.key_events.unwrap_or(key_events).map(Bucket::new),
                key_full_at: AtomicU64::new(0),
                address: own.address_requests.map(|limit| limit.map(Bucket::new)),
            };
            (write_key.clone(), site)
        };
        Self {
            began: Instant::now(),
            private_addresses,
            address: address_requests.map(Bucket::new),
            sites: settings.write_keys.iter().map(site).collect(),
            addresses: Addresses::new(),
            shared: shared.filter(|shared| shared.shares_limits()),
        }
    }

    /// Counts one request of `client` against its address's limit, and refuses it too where the key it names has
    /// used up its own already. `None` where no limit holds.
    ///
    /// # Errors
    /// [`Refused::RateLimited`]; [`Refused::RedisUnavailable`] where the limit is shared and nothing else may count.
    pub async fn request(
        &self,
        client: Option<IpAddr>,
        write_key: Option<&str>,
    ) -> Result<Option<Quota>, Refused> {
        let site = write_key.and_then(|key| self.sites.get_key_value(key));
        if let Some((_, Site { key: Some(bucket), key_full_at, .. })) = site {
            let quota = bucket.take(key_full_at.load(Ordering::Relaxed), self.now(), 1).0;
            allowed(Counted::Key, quota)?;
        }
        let own = site.and_then(|(key, site)| Some((site.address?, key.as_str())));
        let (bucket, of_site) = own.map_or((self.address, None), |(bucket, key)| (bucket, Some(key)));
        let (Some(bucket), Some(client)) = (bucket, client) else { return Ok(None) };
        if is_private(client) && !self.private_addresses {
            return Ok(None);
        }
        if let Some(shared) = &self.shared
            && let Some(quota) =
                self.take_shared_of_address(shared, counted(client), of_site, &bucket).await?
        {
            return Ok(Some(quota));
        }
        let quota = self.addresses.take(counted(client), of_site, &bucket, self.now());
        allowed(Counted::Address, quota).map(Some)
    }

    /// Counts the events of one batch against the limit of its key: all of them pass, or none. `None` where no limit
    /// holds.
    ///
    /// # Errors
    /// As of [`Self::request`]; [`BatchError::TooManyEvents`] where they are more than may ever come at once.
    pub async fn events(&self, write_key: &str, events: usize) -> Result<Option<Quota>, Refused> {
        let Some(Site { key: Some(bucket), key_full_at, .. }) = self.sites.get(write_key) else {
            return Ok(None);
        };
        // However long its sender waited, it would never pass.
        let most = bucket.burst() as usize;
        if events > most {
            return Err(BatchError::TooManyEvents { events, most }.into());
        }
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let mut full_at = key_full_at.load(Ordering::Relaxed);
        if let Some(shared) = &self.shared {
            // As for an address, what is known here is enough to refuse.
            allowed(Counted::Key, bucket.take(full_at, self.now(), events).0)?;
            let learn = |full_at| {
                key_full_at.fetch_max(full_at, Ordering::Relaxed);
            };
            if let Some(quota) = self.take_shared_of_key(shared, write_key, bucket, events, learn).await? {
                return Ok(Some(quota));
            }
            full_at = key_full_at.load(Ordering::Relaxed);
        }
        let now = self.now();
        loop {
            let (quota, then) = bucket.take(full_at, now, events);
            if quota.wait_ns > 0 {
                return allowed(Counted::Key, quota).map(Some);
            }
            match key_full_at.compare_exchange_weak(full_at, then, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Some(quota)),
                Err(other) => full_at = other,
            }
        }
    }

    /// Nanoseconds since the start: 584 years fit.
    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }
}

fn allowed(of: Counted, quota: Quota) -> Result<Quota, Refused> {
    if quota.wait_ns == 0 { Ok(quota) } else { Err(Refused::RateLimited { of, quota }) }
}
