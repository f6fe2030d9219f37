//! What is kept of a client's address. By default too little to find a person: the network, not the host.
//! Which hop is the client is not decided here.

use crate::settings::AddressPolicy;
use footfall_event_model::Client;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Applies the policy to an address; an IPv4 address in IPv6 clothes counts as IPv4.
pub(crate) fn keep(address: Option<IpAddr>, policy: AddressPolicy) -> Client {
    let kept = address.map(|address| address.to_canonical()).and_then(|address| match policy {
        AddressPolicy::Truncate => Some(truncated(address)),
        AddressPolicy::Drop => None,
        AddressPolicy::Full => Some(address),
    });
    let address_policy = match policy {
        AddressPolicy::Truncate => "truncate",
        AddressPolicy::Drop => "drop",
        AddressPolicy::Full => "full",
    };
    Client { address: kept.map(|address| address.to_string()), address_policy, null_origin: None }
}

/// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address; of a 6to4 address (RFC 3056), whose bits 16
/// to 48 are an IPv4 address, the first 40.
fn truncated(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let [a, b, mut c, ..] = v6.segments();
            if a == 0x2002 {
                c &= 0xff00;
            }
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_cut_off_by_default() {
        for (peer, kept) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("2002:cb00:714d:1::1", "2002:cb00:7100::"),
        ] {
            let client = keep(Some(peer.parse().unwrap()), AddressPolicy::Truncate);
            assert_eq!(client.address.as_deref(), Some(kept));
        }
    }

    #[test]
    fn the_other_policies_do_as_they_say() {
        let peer = Some("203.0.113.77".parse().unwrap());
        assert_eq!(keep(peer, AddressPolicy::Drop).address, None);
        assert_eq!(keep(peer, AddressPolicy::Full).address.as_deref(), Some("203.0.113.77"));
        assert_eq!(keep(None, AddressPolicy::Full).address, None);
    }
}
