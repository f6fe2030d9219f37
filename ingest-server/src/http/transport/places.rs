//! How many connections each client address has, so that no single one takes them all.
//! Who counts is decided by the caller: proxies speak for many and are not counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of all addresses: at most as many entries as there are connections.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// The place of one connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    /// `None` where it was not counted.
    of: Option<IpAddr>,
}

impl Places {
    /// So many places for each address.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    /// A place for a connection of that address, if it has one left. What comes from this machine has no bound.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if address.is_loopback() {
            return Some(Place { places: Arc::clone(self), of: None });
        }
        let of = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), of: Some(of) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(of) = self.of else { return };
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = taken.entry(of) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// What one client may be taken to hold: an IPv4 address, or the /64 that one network of IPv6 has (RFC 4291, 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_gets_them_back() {
        let places = Arc::new(Places::new(2));
        let take = |text: &str| places.take(text.parse().unwrap());
        let first = take("203.0.113.7").unwrap();
        let _second = take("203.0.113.7").unwrap();
        assert!(take("203.0.113.7").is_none());
        assert!(take("203.0.113.8").is_some(), "another address has its own");
        drop(first);
        assert!(take("203.0.113.7").is_some());
        let _one = take("2001:db8:0:1::1").unwrap();
        let _two = take("2001:db8:0:1:ffff::2").unwrap();
        assert!(take("2001:db8:0:1::3").is_none(), "a /64 is one client");
        assert!(take("2001:db8:0:2::1").is_some());
        let local: Vec<_> = (0..9).map(|_| take("127.0.0.1")).collect();
        assert!(local.iter().all(Option::is_some), "this machine's own have no bound");
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let places = Arc::new(Places::new(1));
        for last in 0..=255 {
            drop(places.take(IpAddr::from([203, 0, 113, last])));
        }
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
