//! The buckets of client addresses in a fixed piece of memory: 1 MiB for 65,536 of them, in shards with a lock each.
//! Where a new one finds no room, the bucket that is nearest to full goes: its owner asked for least.

use super::bucket::{Bucket, Quota};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 64;
const SLOTS: usize = 1024;
/// Slots that one address may lie in.
const WAYS: usize = 8;

/// The address, hashed, and when its bucket is full.
type Slot = [u64; 2];

/// The buckets.
#[derive(Debug)]
pub(super) struct Addresses {
    shards: Box<[Mutex<Box<[Slot]>>]>,
    /// Seeded anew at each start, so that nobody can choose addresses that push another out.
    seed: RandomState,
}

impl Addresses {
    pub(super) fn new() -> Self {
        let shard = || Mutex::new(vec![[0; 2]; SLOTS].into_boxed_slice());
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), seed: RandomState::new() }
    }

    /// Takes one token from the bucket of `counted`; `site` tells buckets of sites apart that have a rate of their own.
    pub(super) fn take(&self, counted: u128, site: Option<&str>, bucket: &Bucket, now: u64) -> Quota {
        self.with(counted, site, |full_at| {
            let (quota, then) = bucket.take(*full_at, now, 1);
            *full_at = then;
            quota
        })
    }

    /// What taking one would come to.
    pub(super) fn look(&self, counted: u128, site: Option<&str>, bucket: &Bucket, now: u64) -> Quota {
        self.with(counted, site, |full_at| bucket.take(*full_at, now, 1).0)
    }

    /// Takes over that the bucket will not be full before that.
    pub(super) fn learn(&self, counted: u128, site: Option<&str>, full_at: u64) {
        self.with(counted, site, |held| *held = full_at.max(*held));
    }

    /// Hands over the time at which a bucket is full.
    fn with<T>(&self, counted: u128, site: Option<&str>, act: impl FnOnce(&mut u64) -> T) -> T {
        let hash = self.seed.hash_one((counted, site));
        let set = (hash as usize / SHARDS) % (SLOTS / WAYS) * WAYS;
        let mut shard = self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        let ways = &mut shard[set..set + WAYS];
        let mut chosen = 0;
        for (way, slot) in ways.iter().enumerate() {
            if slot[0] == hash {
                chosen = way;
                break;
            }
            if slot[1] < ways[chosen][1] {
                chosen = way;
            }
        }
        let slot = &mut ways[chosen];
        if slot[0] != hash {
            *slot = [hash, 0];
        }
        act(&mut slot[1])
    }
}

/// What an address counts as: an IPv4 address itself, an IPv6 address by its /64, which is what one subscriber has at
/// least (RFC 6177).
pub(super) fn counted(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6) & !u128::from(u64::MAX),
    }
}

/// Whether an address is of this machine or of a private network: RFC 1918, 6598, 3927 and 4193, and loopback.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rate;
    use super::*;

    #[test]
    fn one_subscriber_is_one_and_two_are_two() {
        let same = [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")];
        for (a, b) in same {
            assert_eq!(counted(a.parse().unwrap()), counted(b.parse().unwrap()), "{a} {b}");
        }
        for (a, b) in [("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1")] {
            assert_ne!(counted(a.parse().unwrap()), counted(b.parse().unwrap()), "{a} {b}");
        }
    }

    #[test]
    fn private_networks_are_told() {
        for private in
            ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.9.9", "100.64.0.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        assert!(is_private("::ffff:10.0.0.1".parse().unwrap()));
        for public in ["203.0.113.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn whoever_asks_most_is_remembered_however_many_others_come() {
        let addresses = Addresses::new();
        let bucket = Bucket::new(Rate { per_second: 1, burst: 5 });
        for _ in 0..5 {
            assert_eq!(addresses.take(7, None, &bucket, 1).wait_ns, 0);
        }
        for other in 0..1_000_000 {
            assert_eq!(
                addresses.take(1 << 70 | other, None, &bucket, 1).wait_ns,
                0,
                "a new one has its burst"
            );
        }
        assert!(addresses.take(7, None, &bucket, 1).wait_ns > 0);
        assert_eq!(
            addresses.take(7, Some("pk"), &bucket, 1).wait_ns,
            0,
            "a site's own rate is another bucket"
        );
    }
}
