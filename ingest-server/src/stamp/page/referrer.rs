//! Which kind of place a page was reached from, by a kept list of search engines, social networks and assistants.
//! What of the referrer's address is kept is its host and path; what was searched for is told on its own.

use super::address::Address;
use super::query::first;
use super::{PageRules, Wanted};
use crate::settings::without_port;
use footfall_event_model::{Referrer, ReferrerClass};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Kind, name, hosts and parameters, tab by tab (`ingest-server/data/README.md`).
const LIST: &str = include_str!("../../../data/referrers.tsv");

/// The labels of a host that are looked at from its end, so that no host costs more than a few look-ups.
const LABELS: usize = 8;

#[derive(Clone, Copy)]
struct Known {
    class: ReferrerClass,
    name: &'static str,
    /// With a space between them.
    parameters: &'static str,
}

#[derive(Default)]
struct List {
    /// Hosts as they are.
    hosts: HashMap<&'static str, Known>,
    /// Hosts of every country: what stands before its label.
    countries: HashMap<&'static str, Known>,
    /// Hosts with all that is below them.
    domains: HashMap<&'static str, Known>,
}

static KNOWN: LazyLock<List> = LazyLock::new(|| List::read(LIST));

impl List {
    fn read(text: &'static str) -> Self {
        let mut list = Self::default();
        for line in text.lines() {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            let (kind, name, hosts, parameters) = (next(), next(), next(), next());
            let class = match kind {
                "search" => ReferrerClass::Search,
                "social" => ReferrerClass::Social,
                "ai" => ReferrerClass::Ai,
                _ => continue,
            };
            let known = Known { class, name, parameters };
            for host in hosts.split(' ') {
                if let Some(before) = host.strip_suffix(".{}") {
                    // Of two engines at one host the first is the one that people mean.
                    list.countries.entry(before).or_insert(known);
                } else if let Some(domain) = host.strip_prefix("{}.") {
                    list.domains.entry(domain).or_insert(known);
                } else if class == ReferrerClass::Search {
                    list.hosts.entry(host).or_insert(known);
                } else {
                    // An assistant may be listed as a search engine too.
                    list.hosts.insert(host, known);
                    list.domains.insert(host, known);
                }
            }
        }
        list
    }

    fn find(&self, host: &str) -> Option<Known> {
        let bare = bare(host);
        let exact = self.hosts.get(host).or_else(|| self.hosts.get(bare));
        exact.or_else(|| self.countries.get(before_country(bare)?)).or_else(|| self.above(bare)).copied()
    }

    /// The domain that a host is below of.
    fn above(&self, host: &str) -> Option<&Known> {
        let dots = host.rmatch_indices('.').map(|(at, _)| at + 1).take(LABELS);
        dots.chain([0]).filter_map(|at| self.domains.get(host.get(at..)?)).last()
    }
}

/// What stands before the country in a host: `google` of `google.at` and of `google.co.uk`.
fn before_country(host: &str) -> Option<&str> {
    let (rest, country) = host.rsplit_once('.')?;
    if country.len() != 2 {
        return None;
    }
    Some(match rest.rsplit_once('.') {
        Some((name, "co" | "com" | "org" | "net" | "ne" | "or" | "ac" | "edu" | "gov")) => name,
        _ => rest,
    })
}

/// The class of a page's referrer. `own` is the page's host.
pub(super) fn read<'a>(
    referrer: Option<&'a str>,
    own: Option<&str>,
    rules: &PageRules,
    wanted: Wanted<'_>,
) -> Referrer<'a> {
    let none = Referrer { class: ReferrerClass::Direct, name: None, term: None, host: None, path: None };
    let Some(text) = referrer.filter(|text| !text.trim().is_empty()) else { return none };
    let Some(Address { host: Some(host), path, query, .. }) = Address::split(text) else {
        return Referrer { class: ReferrerClass::Other, ..none };
    };
    // The path of somebody else's page, and what was searched for, say something of the visitor.
    let path = (!wanted.private).then_some(path);
    let bare = without_port(&host);
    if own.is_some_and(|own| same_site(without_port(own), bare)) || rules.origins.has_host(bare) {
        return Referrer { class: ReferrerClass::Internal, host: Some(host), path, ..none };
    }
    let Some(Known { class, name, parameters }) = KNOWN.find(bare) else {
        return Referrer { class: ReferrerClass::Other, host: Some(host), path, ..none };
    };
    let term = if wanted.private || parameters.is_empty() { None } else { first(query, parameters) };
    Referrer { class, name: Some(name), term, host: Some(host), path }
}

/// Whether two hosts are one site: the same, but for `www.`.
fn same_site(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

fn bare(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_with_its_country_and_below_its_domain() {
        for (host, expected) in [
            ("www.google.com", Some((ReferrerClass::Search, "Google"))),
            ("www.google.co.uk", Some((ReferrerClass::Search, "Google"))),
            ("google.at", Some((ReferrerClass::Search, "Google"))),
            ("com.google.android.googlequicksearchbox", Some((ReferrerClass::Search, "Google"))),
            ("www.bing.com", Some((ReferrerClass::Search, "Bing"))),
            ("duckduckgo.com", Some((ReferrerClass::Search, "DuckDuckGo"))),
            ("old.reddit.com", Some((ReferrerClass::Social, "reddit"))),
            ("lm.facebook.com", Some((ReferrerClass::Social, "Facebook"))),
            ("t.co", Some((ReferrerClass::Social, "Twitter"))),
            ("chatgpt.com", Some((ReferrerClass::Ai, "ChatGPT"))),
            ("docs.google.com", None),
            ("notgoogle.com", None),
            ("google.com.evil.example", None),
            ("", None),
            ("....", None),
        ] {
            assert_eq!(KNOWN.find(host).map(|known| (known.class, known.name)), expected, "{host}");
        }
    }

    #[test]
    fn the_kept_list_is_whole() {
        assert!(KNOWN.hosts.len() > 700 && KNOWN.countries.len() > 15 && KNOWN.domains.len() > 150);
    }
}
