//! Which hop is believed, row by row: what came over the wire, and the client that follows.

use super::*;
use axum::http::{HeaderName, HeaderValue};
use proptest::prelude::*;

/// The proxies of these tests: 10.0.0.0/8 and 2001:db8:ff::/48.
fn proxies(header: &str) -> ProxySettings {
    let header = match header {
        "forwarded" => ProxyHeader::Forwarded,
        name => ProxyHeader::Named(HeaderName::from_bytes(name.as_bytes()).unwrap()),
    };
    let trusted = ["10.0.0.0/8", "2001:db8:ff::/48"].map(|network| network.parse().unwrap());
    ProxySettings { trusted: trusted.into(), trust_unix: false, header }
}

fn headers(name: &str, lines: &[&[u8]]) -> HeaderMap {
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    lines.iter().map(|line| (name.clone(), HeaderValue::from_bytes(line).unwrap())).collect()
}

/// The client of a request from `peer` with these lines of the header that counts.
fn client(header: &str, peer: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    let found = address(&proxies(header), Some(peer.parse().unwrap()), &headers(header, &lines));
    found.unwrap().to_string()
}

#[test]
fn the_rightmost_hop_that_is_not_trusted_is_the_client() {
    let xff = "x-forwarded-for";
    for (peer, lines, expected) in [
        // No proxy of ours: whatever it writes, it is the client.
        ("203.0.113.7", &["198.51.100.1"][..], "203.0.113.7"),
        ("203.0.113.7", &["10.0.0.1", "198.51.100.1, 10.0.0.2"], "203.0.113.7"),
        ("::ffff:203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
        ("2001:db8:fe::1", &["198.51.100.1"], "2001:db8:fe::1"),
        // A proxy of ours tells whom it serves.
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:ff::1", &["2001:db8::9"], "2001:db8::9"),
        ("10.0.0.1", &["198.51.100.1:5123"], "198.51.100.1"),
        ("10.0.0.1", &["[2001:db8::9]:5123"], "2001:db8::9"),
        ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        // What the client itself wrote stands further left.
        ("10.0.0.1", &["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["10.0.0.9, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["unknown, 192.0.2.66,198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["<script>, 198.51.100.1"], "198.51.100.1"),
        // Two of our proxies, in one line or in two.
        ("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", &["192.0.2.66, 198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", &["192.0.2.66", "198.51.100.1", " 10.0.0.2 ,\t10.0.0.3"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, , 10.0.0.2,"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
        // All of them ours: the furthest one made the request.
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // What tells no address ends the way at the proxy that told of it.
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("10.0.0.1", &["unknown"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["198.51.100.1 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1;10.0.0.2"], "10.0.0.1"),
    ] {
        assert_eq!(client(xff, peer, lines), expected, "{peer} {lines:?}");
    }
}

#[test]
fn forwarded_is_read_by_the_same_rule() {
    for (peer, lines, expected) in [
        ("203.0.113.7", &["for=198.51.100.1"][..], "203.0.113.7"),
        ("10.0.0.1", &["for=198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["for=192.0.2.66, for=198.51.100.1;proto=https, for=10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", &["for=192.0.2.66", "For=\"[2001:db8::9]:51\";by=10.0.0.1"], "2001:db8::9"),
        ("10.0.0.1", &["for=\"_hidden\", for=10.0.0.2"], "10.0.0.2"),
        // Quotes and escapes that the client left open reach over nothing that a proxy appended.
        ("10.0.0.1", &["for=\"192.0.2.66, for=198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["for=\"192.0.2.66\\", "for=198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["for=192.0.2.66;by=\", for=\"198.51.100.1\""], "198.51.100.1"),
        ("10.0.0.1", &["for=10.0.0.2;for=198.51.100.1"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1"], "10.0.0.1"),
    ] {
        assert_eq!(client("forwarded", peer, lines), expected, "{peer} {lines:?}");
    }
}

#[test]
fn only_the_header_that_was_chosen_counts() {
    let told = headers("x-forwarded-for", &[b"198.51.100.1"]);
    let peer = Some("10.0.0.1".parse().unwrap());
    assert_eq!(address(&proxies("cf-connecting-ip"), peer, &told), peer);
    assert_eq!(address(&proxies("forwarded"), peer, &told), peer);
    assert_eq!(client("cf-connecting-ip", "10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(client("cf-connecting-ip", "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
}

#[test]
fn a_unix_socket_is_trusted_only_where_that_was_said() {
    let told = headers("x-forwarded-for", &[b"198.51.100.1"]);
    let mut proxies = proxies("x-forwarded-for");
    assert_eq!(address(&proxies, None, &told), None);
    proxies.trust_unix = true;
    assert_eq!(address(&proxies, None, &told), Some("198.51.100.1".parse().unwrap()));
    assert_eq!(address(&proxies, None, &HeaderMap::new()), None);
}

#[test]
fn the_way_is_followed_for_a_bounded_number_of_hops() {
    let ours = |count: usize| (0..count).map(|n| format!("10.1.0.{}", n + 1)).collect::<Vec<_>>().join(", ");
    let short = format!("198.51.100.1, {}", ours(HOPS - 1));
    assert_eq!(client("x-forwarded-for", "10.0.0.1", &[&short]), "198.51.100.1");
    let long = format!("198.51.100.1, {}", ours(HOPS));
    assert_eq!(client("x-forwarded-for", "10.0.0.1", &[&long]), "10.1.0.1");
}

proptest! {
    #[test]
    fn nothing_that_a_client_writes_changes_what_a_trusted_proxy_says_of_it(
        before in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b','), Just(b';')], 0..64),
        one_line: bool, quoted: bool,
    ) {
        let before: Vec<u8> = before.into_iter().filter(|&byte| byte >= b' ' && byte != 127 || byte == b'\t').collect();
        let ours = Some("10.0.0.1".parse().unwrap());
        let expected = Some("2001:db8::9".parse().unwrap());
        let forwarded = if quoted { "for=\"[2001:db8::9]:1\"" } else { "for=2001:db8::9" };
        for (header, appended) in [("x-forwarded-for", "2001:db8::9"), ("forwarded", forwarded)] {
            let joined = [&before[..], b", ", appended.as_bytes()].concat();
            let lines: &[&[u8]] = if one_line { &[&joined] } else { &[&before, appended.as_bytes()] };
            prop_assert_eq!(address(&proxies(header), ours, &headers(header, lines)), expected);
        }
    }
}
