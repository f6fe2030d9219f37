//! Reads the PROXY header with which a proxy begins a connection, version 1 or 2, within a bound of bytes.
//! The bytes are taken apart by the crate `proxy-header`; who may send one, and how fast, is decided in `connection`.

use super::socket::Socket;
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};
use std::net::SocketAddr;

/// Bytes of a header at most: version 2 could announce 64 KiB of extras, and none that is in use comes near this.
const MOST: usize = 2048;
/// Bytes of a header of version 1 (section 2.1 of the specification); half of a longer one is refused already, so that
/// one which comes whole must be too.
const MOST_OF_VERSION_1: usize = 107;
const VERSION_1: &[u8] = b"PROXY ";
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// There is no header, or one that is broken or too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong;

/// Takes the header from the socket: the client's address, or `None` where the proxy speaks for itself (`LOCAL`,
/// `UNKNOWN`, and families that have no address).
///
/// # Errors
/// [`Wrong`] where the connection does not begin with a header.
pub(super) async fn read(socket: &mut Socket) -> Result<Option<SocketAddr>, Wrong> {
    loop {
        if let Some((client, length)) = parse(socket.ahead())? {
            socket.forget(length);
            return Ok(client);
        }
        if socket.read_ahead().await.map_err(|_| Wrong)? == 0 {
            return Err(Wrong);
        }
    }
}

/// Whether these bytes begin like a header.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(VERSION_1) || bytes.starts_with(VERSION_2)
}

/// The client and the header's length, or `None` where more has to come.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Option<SocketAddr>, usize)>, Wrong> {
    let may_begin = VERSION_1.starts_with(bytes) || VERSION_2.starts_with(bytes) || begins(bytes);
    if !may_begin {
        return Err(Wrong);
    }
    // All of a header counts, but nothing in it is needed beyond the addresses.
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let most = if bytes.starts_with(VERSION_1) { MOST_OF_VERSION_1 } else { MOST };
    match ProxyHeader::parse(bytes, config) {
        Ok((_, length)) if length > most => Err(Wrong),
        Ok((header, length)) => {
            let client = header.proxied_address().filter(|address| address.protocol == Protocol::Stream);
            Ok(Some((client.map(|address| address.source), length)))
        }
        Err(Error::BufferTooShort) if bytes.len() < MOST => Ok(None),
        Err(_) => Err(Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [VERSION_2, &[command, family], &length, rest].concat()
    }

    const IPV4: [u8; 12] = [203, 0, 113, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x01, 0xbb];

    #[test]
    fn both_versions_name_the_client() {
        let client = "203.0.113.7:54321".parse().unwrap();
        let text = b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 443\r\n";
        assert_eq!(parse(&[text, &b"GET /"[..]].concat()), Ok(Some((Some(client), text.len()))));
        let with_extras = version_2(0x21, 0x11, &[&IPV4[..], &[0x04, 0, 3, 1, 2, 3]].concat());
        assert_eq!(parse(&with_extras), Ok(Some((Some(client), with_extras.len()))));
        let text = b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n";
        assert_eq!(parse(text).unwrap().unwrap().0, Some("[2001:db8::7]:54321".parse().unwrap()));
    }

    #[test]
    fn a_proxy_may_speak_for_itself() {
        for bytes in [
            b"PROXY UNKNOWN\r\n".to_vec(),
            b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(),
            version_2(0x20, 0x00, &[]),
            version_2(0x20, 0x11, &IPV4),
            version_2(0x21, 0x31, &[0; 216]),
            version_2(0x21, 0x12, &IPV4),
        ] {
            assert_eq!(parse(&bytes), Ok(Some((None, bytes.len()))), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_wrong_and_half_of_one_is_waited_for() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP4 not-an-address 10.0.0.1 1 2\r\n",
            b"PROXY TCP5 203.0.113.7 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 1 99999\r\n",
            &[b"PROXY TCP4 ", &[b'1'; 200][..]].concat(),
            &version_2(0x11, 0x11, &IPV4),
            // Shorter than its addresses, and HTTP after it.
            &[version_2(0x21, 0x11, &IPV4[..5]), b"GET / HTTP/1.1\r\n".to_vec()].concat(),
            &version_2(0x21, 0x11, &[0; 4000]),
        ] {
            assert_eq!(parse(bytes), Err(Wrong), "{bytes:?}");
        }
        for whole in [b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 443\r\n".to_vec(), version_2(0x21, 0x11, &IPV4)]
        {
            for cut in 0..whole.len() {
                assert_eq!(parse(&whole[..cut]), Ok(None), "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_line_is_as_long_as_it_may_be_or_wrong_however_it_comes() {
        let line = |bytes: usize| format!("PROXY UNKNOWN {}\r\n", "f".repeat(bytes - 16)).into_bytes();
        assert_eq!(parse(&line(107)), Ok(Some((None, 107))));
        assert_eq!(parse(&line(107)[..106]), Ok(None));
        assert_eq!(parse(&line(108)), Err(Wrong));
        assert_eq!(parse(&line(108)[..107]), Err(Wrong));
    }

    const STARTS: &[&[u8]] =
        &[b"", VERSION_1, b"PROXY TCP4 ", b"PROXY UNKNOWN", VERSION_2, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"];

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble_or_take_more_than_there_is(
            start in proptest::sample::select(STARTS),
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(Some((_, length))) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
