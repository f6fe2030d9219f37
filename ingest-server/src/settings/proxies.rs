//! The proxies in front of the server: which are trusted, and in which header they tell whose request it is.
//! How that header is read stands in `client`.

use super::{Origin, Problem, Reader};
use axum::http::HeaderName;
use axum::http::header::FORWARDED;
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;

/// Whom to believe about a request's client.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    /// The networks of the proxies; empty where nobody is trusted, the default.
    pub trusted: Vec<IpNet>,
    /// Whether whoever comes over a Unix socket is one of them.
    pub trust_unix: bool,
    /// Where they tell the client.
    pub header: ProxyHeader,
}

/// The header in which a proxy tells whose request it passes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`, or another one with addresses and commas between them, such as `CF-Connecting-IP`.
    Named(HeaderName),
}

impl ProxySettings {
    /// Whether the other end of a connection is a trusted proxy; `None` is a Unix socket.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        let Some(address) = peer else { return self.trust_unix };
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

impl Reader<'_> {
    pub(super) fn proxies(&mut self) -> Option<ProxySettings> {
        let header = self.one("proxies.header", header);
        let mut proxies = ProxySettings { trusted: Vec::new(), trust_unix: false, header: header? };
        match self.sources.get("proxies.trusted") {
            Some(said) => {
                for text in said.values.iter().flat_map(|text| text.split(',')).map(str::trim) {
                    match network(text) {
                        _ if text == "unix" => proxies.trust_unix = true,
                        Ok(network) => proxies.trusted.push(network),
                        Err(message) => {
                            self.problems.push(Problem::new(&said.origin, format!("is {text:?}; {message}")));
                        }
                    }
                }
            }
            None => self.refuse_header_alone(),
        }
        Some(proxies)
    }

    /// A header that nobody is trusted to write would be ignored in silence.
    fn refuse_header_alone(&mut self) {
        let said = self.sources.get("proxies.header");
        if let Some(said) = said.filter(|said| !matches!(said.origin, Origin::Default(_))) {
            let message =
                "is set, but proxies.trusted is not: name your proxies' networks, or leave this out";
            self.problems.push(Problem::new(said.origin, message));
        }
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
        "it must be a network or an address, such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1, or unix"
            .to_owned()
    })?;
    if network.prefix_len() == 0 {
        return Err(
            "it is everybody, so that anybody could pass for somebody else; name your proxies".to_owned()
        );
    }
    // Addresses are compared as IPv4 where they are IPv4.
    let IpNet::V6(v6) = network else { return Ok(network) };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    Ok(mapped.and_then(|(v4, bits)| Ipv4Net::new(v4, bits).ok()).map_or(network, IpNet::V4))
}

fn header(text: &str) -> Result<ProxyHeader, String> {
    let name: HeaderName = text
        .parse()
        .map_err(|_| "it must be forwarded, x-forwarded-for, or the name of a header".to_owned())?;
    Ok(if name == FORWARDED { ProxyHeader::Forwarded } else { ProxyHeader::Named(name) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn settings(file: &str) -> Result<ProxySettings, Vec<String>> {
        resolve(&[("write_key", "pk")], &[], Some(file)).map(|settings| settings.proxies)
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let proxies = settings("").unwrap();
        for peer in [None, Some("127.0.0.1".parse().unwrap()), Some("::1".parse().unwrap())] {
            assert!(!proxies.trusts(peer), "{peer:?}");
        }
        assert_eq!(proxies.header, ProxyHeader::Named(HeaderName::from_static("x-forwarded-for")));
    }

    #[test]
    fn networks_and_addresses_are_trusted_in_each_of_their_forms() {
        let proxies = settings(
            "[proxies]\ntrusted = ['10.1.2.3/8', '192.0.2.1', '::ffff:198.51.100.0/120', '2001:db8::/32', 'unix']\n\
             header = 'Forwarded'\n",
        )
        .unwrap();
        assert_eq!(proxies.header, ProxyHeader::Forwarded);
        assert!(proxies.trusts(None));
        for (address, trusted) in [
            ("10.200.0.1", true),
            ("::ffff:10.200.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("198.51.100.9", true),
            ("::ffff:198.51.100.9", true),
            ("198.51.101.9", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(proxies.trusts(Some(address.parse().unwrap())), trusted, "{address}");
        }
    }

    #[test]
    fn networks_come_with_commas_too() {
        let env = [
            ("FOOTFALL_PROXIES_TRUSTED", "10.0.0.0/8, unix"),
            ("FOOTFALL_PROXIES_HEADER", "CF-Connecting-IP"),
        ];
        let proxies = resolve(&[("write_key", "pk")], &env, None).unwrap().proxies;
        assert!(proxies.trusts(None) && proxies.trusts(Some("10.0.0.1".parse().unwrap())));
        assert_eq!(proxies.header, ProxyHeader::Named(HeaderName::from_static("cf-connecting-ip")));
        let flags = [("write_key", "pk"), ("proxies.trusted", "10.0.0.0/8,192.0.2.1")];
        assert_eq!(resolve(&flags, &[], None).unwrap().proxies.trusted.len(), 2);
    }

    #[test]
    fn what_would_trust_the_wrong_ones_is_told_with_its_place() {
        let told =
            settings("[proxies]\ntrusted = ['0.0.0.0/0', '10.0.0.0/33', 'proxy.example']\n").unwrap_err();
        let place = "footfall.toml:2:1 proxies.trusted: is";
        let right =
            "it must be a network or an address, such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1, or unix";
        assert_eq!(
            told,
            [
                format!(
                    "{place} \"0.0.0.0/0\"; it is everybody, so that anybody could pass for somebody else; name your proxies"
                ),
                format!("{place} \"10.0.0.0/33\"; {right}"),
                format!("{place} \"proxy.example\"; {right}"),
            ]
        );
        let told = settings("[proxies]\nheader = 'forwarded'\n").unwrap_err();
        assert_eq!(
            told,
            [
                "footfall.toml:2:1 proxies.header: is set, but proxies.trusted is not: name your proxies' networks, or leave this out"
            ]
        );
        let told = settings("[proxies]\ntrusted = '10.0.0.1'\nheader = 'a b'\n").unwrap_err();
        assert_eq!(
            told,
            [
                "footfall.toml:3:1 proxies.header: is \"a b\"; it must be forwarded, x-forwarded-for, or the name of a header"
            ]
        );
    }
}
