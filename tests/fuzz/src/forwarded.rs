//! `Forwarded`, `X-Forwarded-For`: whose request it is, whatever a client wrote before a proxy of ours appended.
//! The first byte chooses the header and the peer; each line after it is one line of the header.

use axum::http::header::{FORWARDED, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use ingest_server::client::address;
use ingest_server::settings::{ProxyHeader, ProxySettings};
use std::net::{IpAddr, Ipv4Addr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Headers that a request has at most.
const LINES: usize = 64;
/// One of our proxies, in 10.0.0.0/8.
const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
/// Somebody in no trusted network.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, lines)) = bytes.split_first() else { return };
    let is_standard = choice & 1 == 1;
    let (name, header) = if is_standard {
        (FORWARDED, ProxyHeader::Forwarded)
    } else {
        (X_FORWARDED_FOR, ProxyHeader::Named(X_FORWARDED_FOR))
    };
    let lines = lines.split(|&byte| byte == b'\n').take(LINES);
    let values: Vec<_> = lines.map_while(|line| HeaderValue::from_bytes(line).ok()).collect();
    let headers: HeaderMap = values.iter().map(|value| (name.clone(), value.clone())).collect();
    let networks = ["10.0.0.0/8", "2001:db8:ff::/48"].map(|network| network.parse().expect("a network"));
    let nobody = ProxySettings { trusted: Vec::new(), trust_unix: false, header: header.clone() };
    let proxies = ProxySettings { trusted: networks.into(), trust_unix: choice & 2 == 2, header };

    // Without trust no header counts.
    for peer in [None, Some(OURS), Some(CLIENT)] {
        assert_eq!(address(&nobody, peer, &headers), peer);
    }
    assert_eq!(address(&proxies, Some(CLIENT), &headers), Some(CLIENT));

    let peer = if choice & 4 == 4 { None } else { Some(OURS) };
    let found = address(&proxies, peer, &headers);
    if proxies.trusts(peer) {
        let told = found.is_none_or(|found| Some(found) == peer || addresses(&values).contains(&found));
        assert!(told, "{found:?} stands nowhere in {values:?}");
    } else {
        assert_eq!(found, peer);
    }

    // Whatever came before, what a proxy of ours appends is believed: on a line of its own, and on the same one.
    let appended = if is_standard { "for=198.51.100.7" } else { "198.51.100.7" };
    let mut more = headers.clone();
    more.append(&name, HeaderValue::from_static(appended));
    assert_eq!(address(&proxies, Some(OURS), &more), Some(CLIENT));
    if let Some(last) = values.last() {
        let joined = [last.as_bytes(), b", ", appended.as_bytes()].concat();
        let mut same: HeaderMap =
            values[..values.len() - 1].iter().map(|value| (name.clone(), value.clone())).collect();
        same.append(&name, HeaderValue::from_bytes(&joined).expect("a header's value"));
        assert_eq!(address(&proxies, Some(OURS), &same), Some(CLIENT));
    }

    // A hop of ours is passed by for as long as the way may be: what is found is never ours where another one stood next.
    let mut through = more;
    for _ in 0..31 {
        let hop = if is_standard { "for=\"[2001:db8:ff::2]:80\";by=10.0.0.2" } else { "::ffff:10.0.0.3" };
        through.append(&name, HeaderValue::from_static(hop));
    }
    assert_eq!(address(&proxies, Some(OURS), &through), Some(CLIENT));
    through.append(&name, HeaderValue::from_static(if is_standard { "for=10.0.0.4" } else { "10.0.0.4" }));
    let far = address(&proxies, Some(OURS), &through).expect("the last hop that was reached");
    assert!(proxies.trusts(Some(far)), "{far} stands beyond the hops that are followed");
}

/// The addresses that stand in these lines, by the rules of `std` alone.
fn addresses(values: &[HeaderValue]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for value in values {
        // An escape may stand before any character of a quoted string.
        let text: String = String::from_utf8_lossy(value.as_bytes()).replace('\\', "");
        for token in text.split([',', ';', '=', '"', '[', ']', ' ', '\t']) {
            let without_port = token.split_once(':').map_or(token, |(address, _)| address);
            found.extend([token, without_port].iter().filter_map(|token| token.parse::<IpAddr>().ok()));
        }
    }
    found.iter().map(IpAddr::to_canonical).collect()
}
