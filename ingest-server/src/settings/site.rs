//! What the file says of single sites, `[site.<write key>]`: whose pages may send, and what they are told to capture.
//! It stands in the file only, since one flag for all sites would say nothing.

use super::Problem;
use super::source::{Origin, scalar, unknown};
use footfall_event_model::{Event, check};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use toml::de::{DeTable, DeValue};

/// What is set for one site.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteSettings {
    /// The origins whose pages may send; `None` where every page may.
    pub origins: Option<BTreeSet<String>>,
    /// Whether a request with `Origin: null` is refused.
    pub refuse_null_origin: bool,
    /// Whether a sender may say another address than its own (`context.ip` of Segment's clients).
    pub takes_claimed_address: bool,
    /// What its pages are told.
    pub capture: CaptureSettings,
}

impl fmt::Display for SiteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origins {
            Some(origins) => write!(f, "origins {}", origins.iter().cloned().collect::<Vec<_>>().join(", "))?,
            None => f.write_str("any origin")?,
        }
        let null = if self.refuse_null_origin { "refused" } else { "accepted" };
        if self.takes_claimed_address {
            f.write_str("; a claimed address is taken")?;
        }
        let told = serde_json::to_string(&self.capture).map_err(|_| fmt::Error)?;
        write!(f, "; Origin: null {null}; pages are told {told}")
    }
}

/// What the pages of a site are told to capture: the answer of `GET /v1/config/{write_key}`. What is not said here is
/// the SDK's own choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CaptureSettings {
    /// Which of [`CAPTURES`] are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<BTreeMap<&'static str, bool>>,
    /// The share of sessions that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f64>,
    /// The share of sessions that is kept of single events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<BTreeMap<String, f64>>,
    /// Events that the site counts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_events: Option<BTreeSet<String>>,
}

/// Everything that the SDK can capture by itself.
pub const CAPTURES: [&str; 11] =
    ["clicks", "views", "pages", "leave", "forms", "media", "errors", "vitals", "copy", "print", "traces"];

const KEYS: [&str; 7] =
    ["origins", "null_origin", "capture", "sample_rate", "sample", "key_events", "claimed_address"];

/// One in a million: JavaScript writes a smaller number with an exponent, which the wire form does not take.
const SMALLEST_RATE: f64 = 0.000_001;

/// Where a site's table stands, and what it says.
pub(super) type Sites = BTreeMap<String, (Origin, SiteSettings)>;

/// Reads the tables of all sites.
pub(super) fn read(
    table: &DeTable<'_>,
    place: &dyn Fn(usize, &str) -> Origin,
    problems: &mut Vec<Problem>,
) -> Sites {
    let mut sites = Sites::new();
    for (name, value) in table {
        let key = format!("site.{}", name.get_ref());
        let origin = place(name.span().start, &key);
        let DeValue::Table(fields) = value.get_ref() else {
            problems.push(Problem::new(origin, format!("must be a table: [{key}]")));
            continue;
        };
        let mut reader = Reader { key: &key, place, problems };
        sites.insert(name.get_ref().to_string(), (origin, reader.site(fields)));
    }
    sites
}

struct Reader<'a> {
    key: &'a str,
    place: &'a dyn Fn(usize, &str) -> Origin,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn site(&mut self, fields: &DeTable<'_>) -> SiteSettings {
        let mut site = SiteSettings::default();
        let told = &mut site.capture;
        for (name, value) in fields {
            let (at, value) = (name.span().start, value.get_ref());
            match name.get_ref().as_ref() {
                "origins" => site.origins = Some(self.texts(at, "origins", value, origin)),
                "null_origin" => match scalar(value).as_deref() {
                    Some("accept") => site.refuse_null_origin = false,
                    Some("refuse") => site.refuse_null_origin = true,
                    _ => self.wrong(at, "null_origin", "must be \"accept\" or \"refuse\""),
                },
                "claimed_address" => match scalar(value).as_deref() {
                    Some("ignore") => site.takes_claimed_address = false,
                    Some("take") => site.takes_claimed_address = true,
                    _ => self.wrong(at, "claimed_address", "must be \"ignore\" or \"take\""),
                },
                "capture" => {
                    let on = self.texts(at, "capture", value, capture);
                    told.capture = Some(CAPTURES.map(|name| (name, on.contains(name))).into());
                }
                "sample_rate" => told.sample_rate = self.rate(at, "sample_rate", value, false),
                "sample" => told.sample = self.rates(at, value),
                "key_events" => told.key_events = Some(self.texts(at, "key_events", value, event_name)),
                other => {
                    let key = format!("{}.{other}", self.key);
                    self.problems.push(unknown((self.place)(at, &key), "key", other, KEYS.into_iter()));
                }
            }
        }
        site
    }

    fn wrong(&mut self, at: usize, name: &str, message: impl Into<String>) {
        let place = (self.place)(at, &format!("{}.{name}", self.key));
        self.problems.push(Problem::new(place, message));
    }

    /// A list of strings, each of which `fits`.
    fn texts(
        &mut self,
        at: usize,
        name: &str,
        value: &DeValue<'_>,
        fits: impl Fn(&str) -> Result<(), String>,
    ) -> BTreeSet<String> {
        let mut texts = BTreeSet::new();
        let DeValue::Array(all) = value else {
            self.wrong(at, name, "must be a list of strings");
            return texts;
        };
        for each in all.iter() {
            let at = each.span().start;
            match each.get_ref().as_str() {
                None => self.wrong(at, name, "must be a list of strings"),
                Some(text) => match fits(text) {
                    Ok(()) => {
                        texts.insert(text.to_owned());
                    }
                    Err(message) => self.wrong(at, name, message),
                },
            }
        }
        if all.is_empty() && name == "origins" {
            self.wrong(at, name, "is empty, so that no page could send; name an origin, or leave this out");
        }
        texts
    }

    fn rates(&mut self, at: usize, value: &DeValue<'_>) -> Option<BTreeMap<String, f64>> {
        let DeValue::Table(all) = value else {
            self.wrong(at, "sample", "must be a table of events and shares, such as { element_view = 0.1 }");
            return None;
        };
        let mut rates = BTreeMap::new();
        for (event, value) in all {
            let (at, name) = (event.span().start, format!("sample.{}", event.get_ref()));
            if let Err(message) = event_name(event.get_ref()) {
                self.wrong(at, &name, message);
            } else if let Some(rate) = self.rate(at, &name, value.get_ref(), true) {
                rates.insert(event.get_ref().to_string(), rate);
            }
        }
        Some(rates)
    }

    fn rate(&mut self, at: usize, name: &str, value: &DeValue<'_>, may_be_none: bool) -> Option<f64> {
        let number = match value {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let fits = |rate: &f64| (SMALLEST_RATE..=1.0).contains(rate) || (may_be_none && *rate == 0.0);
        let rate = number.filter(fits);
        if rate.is_none() {
            let or_none = if may_be_none { ", or 0 for none" } else { "" };
            let is = scalar(value).map(|text| format!("is {text}; it ")).unwrap_or_default();
            self.wrong(
                at,
                name,
                format!("{is}must be a share from {SMALLEST_RATE} to 1, such as 0.5{or_none}"),
            );
        }
        rate
    }
}

fn capture(name: &str) -> Result<(), String> {
    if CAPTURES.contains(&name) {
        return Ok(());
    }
    let problem = unknown("", "capture", name, CAPTURES.into_iter());
    Err(format!("{name:?}: {}", problem.message))
}

/// The rule is the model's own, so that no event is named here that could not come.
fn event_name(name: &str) -> Result<(), String> {
    check(&Event::track(name)).map_err(|found| found.into_iter().map(|violation| violation.message).collect())
}

/// An origin as a browser writes it (WHATWG HTML, "ASCII serialisation of an origin"): anything else would never match.
fn origin(text: &str) -> Result<(), String> {
    let right = "it must be an origin as a browser writes it: scheme and host in lower case, and a port only where it \
                 is not the scheme's own, such as https://forum.example";
    let (scheme, host) = text.split_once("://").ok_or_else(|| format!("is {text:?}; {right}"))?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let scheme_fits = scheme.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && scheme.bytes().all(|byte| plain(byte) || b"+-.".contains(&byte));
    let in_brackets = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name_fits = match in_brackets {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|byte| plain(byte) || b"-._".contains(&byte)),
    };
    let own_port = matches!((scheme, port), ("http", Some("80")) | ("https", Some("443")));
    let port_fits = port
        .is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port) && !own_port);
    if scheme_fits && name_fits && port_fits { Ok(()) } else { Err(format!("is {text:?}; {right}")) }
}

#[cfg(test)]
mod tests;
