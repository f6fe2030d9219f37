//! The PROXY header of a connection, version 1 and 2, in whatever pieces it comes.
//! What it says is compared with a second reader, written from the specification (haproxy.org, "The PROXY protocol").

use ingest_server::fuzzing::{ProxyHeader, proxy_header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Bytes of a header at most.
const MOST: usize = 2048;
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

pub(crate) fn run(bytes: &[u8]) {
    let whole = proxy_header(bytes);
    match whole {
        ProxyHeader::Whole(client, length) => {
            assert!(length <= bytes.len() && length <= MOST, "{length} bytes");
            assert_eq!(client, client_of(&bytes[..length]), "{:?}", &bytes[..length]);
            // What comes after it changes nothing.
            assert_eq!(proxy_header(&bytes[..length]), whole);
        }
        ProxyHeader::Half => assert!(bytes.len() < MOST, "more is waited for after {} bytes", bytes.len()),
        ProxyHeader::Wrong => {}
    }
    // Byte by byte it comes to the same: nothing is said before it is certain.
    let mut pieces = (0..bytes.len().min(MOST)).map(|end| proxy_header(&bytes[..end]));
    if let Some(early) = pieces.find(|piece| *piece != ProxyHeader::Half) {
        assert_eq!(early, whole, "a part of it says otherwise");
    }
}

/// The client of a whole header.
fn client_of(header: &[u8]) -> Option<SocketAddr> {
    if let Some(rest) = header.strip_prefix(VERSION_2) {
        let (command, family) = (rest[0] & 0x0f, rest[1]);
        let addresses = &rest[4..];
        let port = |at: usize| u16::from_be_bytes([addresses[at], addresses[at + 1]]);
        return match (command, family) {
            (1, 0x11) => {
                let octets: [u8; 4] = addresses[..4].try_into().expect("four bytes");
                Some((octets, port(8)).into())
            }
            (1, 0x21) => {
                let octets: [u8; 16] = addresses[..16].try_into().expect("sixteen bytes");
                Some((Ipv6Addr::from(octets), port(32)).into())
            }
            _ => None,
        };
    }
    let line = header.strip_suffix(b"\r\n").expect("version 1 is a line");
    // After `UNKNOWN` any bytes may stand.
    let text = String::from_utf8_lossy(line);
    let mut words = text.split(' ');
    assert_eq!(words.next(), Some("PROXY"));
    match words.next() {
        Some("TCP4" | "TCP6") => {
            let source: IpAddr = words.next()?.parse().expect("an address");
            let port = words.nth(1)?.parse().expect("a port");
            Some(SocketAddr::new(source, port))
        }
        _ => None,
    }
}
