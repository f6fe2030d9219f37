//! One hop as a proxy writes it: an address, perhaps in brackets, with a port, or in quotes.
//! Whatever is none, such as `unknown` or `_hidden`, is told as `None`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads a `node` of RFC 7239, section 6, and what `X-Forwarded-For` has for it: an IPv6 address without brackets too.
pub(super) fn read(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            let port_fits = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
            IpAddr::V6(address.parse::<Ipv6Addr>().ok().filter(|_| port_fits)?)
        }
        None => match text.parse() {
            Ok(address) => address,
            Err(_) => {
                let (address, port) = text.split_once(':')?;
                IpAddr::V4(address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port))?)
            }
        },
    };
    Some(address.to_canonical())
}

/// `1*5DIGIT`, or an identifier that hides it.
fn is_port(text: &str) -> bool {
    let hides = |rest: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !rest.is_empty() && rest.bytes().all(plain)
    };
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits || text.strip_prefix('_').is_some_and(hides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_read_with_port_brackets_and_quotes() {
        for (text, address) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:51234", "203.0.113.7"),
            ("\"203.0.113.7:_secret\"", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:DB8::7]", "2001:db8::7"),
            ("\"[2001:db8::7]:51234\"", "2001:db8::7"),
        ] {
            assert_eq!(read(text.as_bytes()), Some(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "203.0.113",
            "203.0.113.256",
            "010.0.0.1",
            "0x7f.1",
            "2130706433",
            "203.0.113.7:",
            "203.0.113.7:port",
            "203.0.113.7:123456",
            "203.0.113.7 ",
            "[203.0.113.7]",
            "[2001:db8::7",
            "2001:db8::7]",
            "[2001:db8::7]x",
            "[2001:db8::7]:",
            "[fe80::1%eth0]",
            "\"203.0.113.7",
            "203.0.113.7/32",
            "1.2.3.4, 5.6.7.8",
            "ⅰ.2.3.4",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"\xff\xfe"), None);
    }

    proptest! {
        #[test]
        fn every_address_is_read_in_each_of_its_forms(address: IpAddr, port: u16) {
            let canonical = Some(address.to_canonical());
            let socket = std::net::SocketAddr::new(address, port).to_string();
            for text in [address.to_string(), socket.clone(), format!("\"{socket}\"")] {
                prop_assert_eq!(read(text.as_bytes()), canonical, "{}", text);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
