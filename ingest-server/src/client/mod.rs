//! The step that says whose request it is: of the hops that a request came by, the rightmost one that is not trusted.
//! Nobody is trusted unless the settings say so; what is kept of the address is decided in `stamp`.

mod forwarded;
mod node;

use crate::settings::{ProxyHeader, ProxySettings};
use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use std::net::IpAddr;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hops that are read of a request; what stands before them is not believed.
const HOPS: usize = 32;

/// The address of the client, an IPv4 address in IPv6 clothes as IPv4.
///
/// A header counts only where the other end of the connection is a trusted proxy, since anybody can write one. It is
/// read from its right end, where the nearest proxy wrote. A hop that tells no address (`unknown` or an identifier of
/// RFC 7239, section 6, or nothing that can be read) ends the way: the trusted proxy that told of it stands in.
///
/// `None` where the request came over a Unix socket and no proxy told more.
pub fn address(proxies: &ProxySettings, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer.map(|address| address.to_canonical());
    if !proxies.trusts(peer) {
        return peer;
    }
    match &proxies.header {
        ProxyHeader::Forwarded => {
            let lines = headers.get_all(FORWARDED).into_iter().rev();
            let elements = lines.flat_map(|line| forwarded::elements_from_the_right(line.as_bytes()));
            walk(proxies, peer, elements.map(forwarded::node))
        }
        ProxyHeader::Named(name) => {
            let lines = headers.get_all(name).into_iter().rev();
            let entries = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
            walk(
                proxies,
                peer,
                entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()).map(node::read),
            )
        }
    }
}

/// Whether the client came by TLS that a trusted proxy took off; from anybody else the header says nothing. Of several
/// proxies the nearest one counts, whether it wrote a line of its own or appended to one (`http, https`).
pub fn came_by_tls(proxies: &ProxySettings, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let line = headers.get_all(FORWARDED_PROTO).iter().next_back();
    let said = line.and_then(|line| line.as_bytes().rsplit(|&byte| byte == b',').next());
    proxies.trusts(peer) && said.is_some_and(|proto| proto.trim_ascii().eq_ignore_ascii_case(b"https"))
}

/// Goes from the peer outwards, for as long as the hops are trusted.
fn walk(
    proxies: &ProxySettings,
    peer: Option<IpAddr>,
    hops: impl Iterator<Item = Option<IpAddr>>,
) -> Option<IpAddr> {
    let mut client = peer;
    for hop in hops.take(HOPS) {
        let Some(address) = hop else { break };
        client = Some(address);
        if !proxies.trusts(client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests;
