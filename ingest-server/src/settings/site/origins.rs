//! Whose pages may send for a site: origins as browsers write them, and all hosts below a name (`https://*.forum.example`).
//! Comparing costs a look-up, and for each wildcard the comparison of two ends.

use std::collections::BTreeSet;
use std::fmt;

/// The origins of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    exact: BTreeSet<String>,
    /// What stands before and after the star.
    wildcards: BTreeSet<(String, String)>,
}

impl Origins {
    /// Sorts texts that [`check`] found right.
    pub(crate) fn new(texts: BTreeSet<String>) -> Self {
        let mut origins = Self::default();
        for text in texts {
            match text.split_once('*') {
                Some((before, after)) => origins.wildcards.insert((before.to_owned(), after.to_owned())),
                None => origins.exact.insert(text),
            };
        }
        origins
    }

    /// Whether a host without a port is that of one of these, whatever their schemes and ports.
    pub fn has_host(&self, host: &str) -> bool {
        let exact =
            |origin: &String| origin.split_once("://").is_some_and(|(_, own)| without_port(own) == host);
        let below =
            |(_, after): &(String, String)| host.strip_suffix(without_port(after)).is_some_and(is_name);
        self.exact.iter().any(exact) || self.wildcards.iter().any(below)
    }

    /// Whether an origin is one of these; the star stands for one label or more, never for none.
    pub fn contain(&self, origin: &str) -> bool {
        let below = |(before, after): &(String, String)| {
            let labels =
                origin.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
            labels.is_some_and(is_name)
        };
        self.exact.contains(origin) || self.wildcards.iter().any(below)
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wildcards = self.wildcards.iter().map(|(before, after)| format!("{before}*{after}"));
        f.write_str(&self.exact.iter().cloned().chain(wildcards).collect::<Vec<_>>().join(", "))
    }
}

/// An origin as a browser writes it (WHATWG HTML, "ASCII serialisation of an origin"): anything else would never match.
pub(super) fn check(text: &str) -> Result<(), String> {
    let right = "it must be an origin as a browser writes it: scheme and host in lower case, and a port only where it \
                 is not the scheme's own, such as https://forum.example, or https://*.forum.example for all hosts below \
                 that name";
    let wrong = || format!("is {text:?}; {right}");
    let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let scheme_fits = scheme.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && scheme.bytes().all(|byte| plain(byte) || b"+-.".contains(&byte));
    let in_brackets = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name_fits = match (in_brackets, name.strip_prefix("*.")) {
        (Some(address), _) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        // Everything below a top-level domain would be everybody.
        (None, Some(parent)) => {
            is_name(parent) && parent.split('.').filter(|label| !label.is_empty()).count() > 1
        }
        (None, None) => is_name(name),
    };
    let own_port = matches!((scheme, port), ("http", Some("80")) | ("https", Some("443")));
    let port_fits = port
        .is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port) && !own_port);
    if scheme_fits && name_fits && port_fits { Ok(()) } else { Err(wrong()) }
}

/// A host without its port; brackets stay.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_is_told_from_its_port_and_is_the_sites_own_by_its_origins() {
        for (host, bare) in [("a.example:80", "a.example"), ("a.example", "a.example")] {
            assert_eq!(without_port(host), bare);
        }
        assert_eq!(without_port("[2001:db8::1]:80"), "[2001:db8::1]");
        assert_eq!(without_port("[2001:db8::1]"), "[2001:db8::1]");
        let origins =
            Origins::new(["https://*.a.example:8443", "http://b.example"].map(str::to_owned).into());
        for (host, is_own) in
            [("de.a.example", true), ("a.example", false), ("b.example", true), ("xb.example", false)]
        {
            assert_eq!(origins.has_host(host), is_own, "{host}");
        }
    }

    #[test]
    fn a_star_stands_for_all_hosts_below_and_for_nothing_else() {
        let texts = ["https://*.forum.example", "http://*.shop.example:8080", "https://forum.example"];
        assert!(texts.iter().all(|text| check(text).is_ok()));
        let origins = Origins::new(texts.map(str::to_owned).into());
        for allowed in [
            "https://forum.example",
            "https://de.forum.example",
            "https://a.b.forum.example",
            "http://a.shop.example:8080",
        ] {
            assert!(origins.contain(allowed), "{allowed}");
        }
        for refused in [
            "https://.forum.example.evil.example",
            "https://evilforum.example",
            "https://evil.example/.forum.example",
            "https://evil.example:1.forum.example",
            "https://user@a.forum.example",
            "https://A.forum.example",
            "http://de.forum.example",
            "https://de.forum.example:8443",
            "https://.shop.example:8080",
            "http://.shop.example:8080",
            "http://shop.example:8080",
            "http://a.shop.example",
            "null",
            "",
        ] {
            assert!(!origins.contain(refused), "{refused}");
        }
        assert_eq!(
            origins.to_string(),
            "https://forum.example, http://*.shop.example:8080, https://*.forum.example"
        );
    }

    #[test]
    fn a_star_alone_or_before_a_top_level_domain_is_a_mistake() {
        for wrong in [
            "*",
            "https://*",
            "https://*.",
            "https://*.example",
            "https://*.example.",
            "https://a.*.example.org",
            "https://*a.example.org",
            "https://*.*.example.org",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_a_wildcard_lets_in_ends_as_it_does(origin in "https://[a-z./:@]{0,20}forum.example") {
            let origins = Origins::new(["https://*.forum.example".to_owned()].into());
            if origins.contain(&origin) {
                prop_assert!(check(&origin).is_ok() && origin.ends_with(".forum.example"));
            }
        }
    }
}
