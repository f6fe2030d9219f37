//! The settings of the server, read as a whole: a flag over the environment over the file over the default.
//! Everything that is wrong is told at once, each with its place; nothing is opened or connected here.

mod page;
mod proxies;
mod site;
mod source;
mod table;
mod value;

pub use page::{BotPolicy, DeviceSettings, PageSettings, Route};
pub use proxies::{ProxyHeader, ProxySettings};
pub use site::{CAPTURES, CaptureSettings, SiteSettings};
pub use source::{Origin, Said, Sources};
pub use table::{SETTINGS, Setting};

use bytesize::ByteSize;
use footfall_delivery::{Compression, DeliverySettings, KafkaSettings, WrongSetting};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use value::{address, count, duration, non_empty, policy, size, wait};

/// What the server runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events and the SDK are served.
    pub listen: SocketAddr,
    /// Where probes, metrics and the live view are served.
    pub admin_listen: SocketAddr,
    /// The sites' public keys; never empty.
    pub write_keys: BTreeSet<String>,
    /// What is set for single sites, by their keys.
    pub sites: BTreeMap<String, SiteSettings>,
    /// Bytes that the memory of batch ids may take.
    pub receipts_max_bytes: usize,
    /// Where records go.
    pub delivery: DeliverySettings,
    /// The bounds of the HTTP edge.
    pub http: HttpSettings,
    /// Whom to believe about a request's client.
    pub proxies: ProxySettings,
    /// What is kept of a client's address.
    pub address_policy: AddressPolicy,
    /// What is read of who sends a request.
    pub device: DeviceSettings,
    /// What is kept of a page's address.
    pub pages: PageSettings,
    /// How long a stop may take.
    pub stop_timeout: Duration,
}

/// The bounds of the HTTP edge.
#[derive(Debug, Clone, Copy)]
pub struct HttpSettings {
    /// Connections open at once on one address.
    pub max_connections: usize,
    /// Bytes of all bodies being read at once.
    pub max_body_bytes: usize,
    /// How long a connection may say nothing, and a request's head may take.
    pub head_timeout: Duration,
    /// How long one body may take to arrive.
    pub body_timeout: Duration,
}

/// What is kept of a client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address. The default.
    Truncate,
    /// Nothing.
    Drop,
    /// All of it.
    Full,
}

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was said.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    fn new(place: impl fmt::Display, message: impl Into<String>) -> Self {
        Self { place: place.to_string(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Settings {
    /// Makes settings of what was said, adding everything that is wrong to `problems`.
    ///
    /// Returns `None` where something is wrong, whether it was found here or before.
    pub fn resolve(sources: &Sources, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut reader = Reader { sources, problems };
        let listen = reader.one("listen", address);
        let admin_listen = reader.one("admin_listen", address);
        let data_dir = reader.one("data_dir", |text| non_empty(text).map(PathBuf::from));
        let write_keys = reader.write_keys();
        let sites = reader.sites(&write_keys);
        let kafka = reader.kafka();
        let memory_max_bytes = reader.one("memory.max_bytes", size);
        let journal_max_bytes = reader.one("journal.max_bytes", size);
        let receipts_max_bytes = reader.one("receipts.max_bytes", size);
        let max_connections = reader.one("http.max_connections", count);
        let max_body_bytes = reader.one("http.max_body_bytes", size);
        let head_timeout = reader.one("http.head_timeout", wait);
        let body_timeout = reader.one("http.body_timeout", wait);
        let proxies = reader.proxies();
        let address_policy = reader.one("privacy.address", policy);
        let (device, pages) = (reader.device(), reader.pages());
        let stop_timeout = reader.one("stop_timeout", wait);

        if let (Some(listen), Some(admin)) = (listen, admin_listen)
            && listen == admin
            && listen.port() != 0
        {
            let message = format!("is {listen} too, like listen; give the admin address a port of its own");
            problems.push(Problem::new("admin_listen", message));
        }
        let one_body = footfall_event_model::limits::BATCH_BYTES;
        if max_body_bytes.is_some_and(|bytes| bytes < one_body) {
            let message = format!("must hold at least one batch, {}", ByteSize::b(one_body as u64));
            problems.push(Problem::new("http.max_body_bytes", message));
        }
        // What could not be read has been told; its default stands in, so that the rest is checked too.
        let mut delivery = DeliverySettings { kafka, ..DeliverySettings::new(data_dir.unwrap_or_default()) };
        if let Some(max_bytes) = memory_max_bytes {
            delivery.memory_max_bytes = max_bytes;
        }
        if let Some(max_bytes) = journal_max_bytes {
            delivery.journal.max_bytes = max_bytes as u64;
        }
        problems.extend(delivery.check().into_iter().map(|wrong| placed(sources, wrong)));
        if !problems.is_empty() {
            return None;
        }
        Some(Self {
            listen: listen?,
            admin_listen: admin_listen?,
            write_keys,
            sites,
            receipts_max_bytes: receipts_max_bytes?,
            delivery,
            http: HttpSettings {
                max_connections: max_connections?,
                max_body_bytes: max_body_bytes?,
                head_timeout: head_timeout?,
                body_timeout: body_timeout?,
            },
            proxies: proxies?,
            address_policy: address_policy?,
            device: device?,
            pages,
            stop_timeout: stop_timeout?,
        })
    }
}

/// Says where the setting was said that delivery found wrong.
fn placed(sources: &Sources, wrong: WrongSetting) -> Problem {
    let is_part = |key: &str| wrong.setting.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    for setting in SETTINGS {
        let Some(said) = sources.get(setting.key) else { continue };
        if wrong.setting == setting.key {
            return Problem::new(said.origin, wrong.reason);
        }
        if is_part(setting.key) {
            return Problem::new(said.origin, format!("{}: {}", wrong.setting, wrong.reason));
        }
    }
    Problem::new(wrong.setting, wrong.reason)
}

/// Reads one setting after another and keeps what is wrong.
struct Reader<'a> {
    sources: &'a Sources,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn one<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let said = self.sources.get(key)?;
        let text = said.values.last().map_or("", String::as_str);
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problems.push(Problem::new(&said.origin, format!("is {text:?}; {message}")));
                None
            }
        }
    }

    fn write_keys(&mut self) -> BTreeSet<String> {
        let Some(said) = self.sources.get("write_key").filter(|said| !said.values.is_empty()) else {
            let message = "no write key is set; name at least one site, such as --write-key pk_demo";
            self.problems.push(Problem::new("write_key", message));
            return BTreeSet::new();
        };
        let fits = |key: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            !key.is_empty() && key.len() <= 64 && key.bytes().all(allowed)
        };
        for key in said.values.iter().filter(|key| !fits(key)) {
            let message =
                format!("is {key:?}; a write key has 1 to 64 letters, digits, '_' or '-', such as pk_demo");
            self.problems.push(Problem::new(&said.origin, message));
        }
        said.values.into_iter().collect()
    }

    /// What is said of single sites; one that has no key would never be asked for.
    fn sites(&mut self, write_keys: &BTreeSet<String>) -> BTreeMap<String, SiteSettings> {
        let mut sites = BTreeMap::new();
        for (write_key, (origin, settings)) in self.sources.sites() {
            if !write_keys.contains(write_key) {
                let message =
                    format!("write_key does not name {write_key:?}; add it there, or leave this out");
                self.problems.push(Problem::new(origin, message));
            }
            sites.insert(write_key.clone(), settings.clone());
        }
        sites
    }

    /// The Kafka settings, where brokers are named; a Kafka setting without brokers is a contradiction.
    fn kafka(&mut self) -> Option<KafkaSettings> {
        let topic = self.one("kafka.topic", non_empty);
        let compression = self.one("kafka.compression", |text| {
            Compression::from_str(text).map_err(|_| "it must be none, gzip, snappy, lz4 or zstd".to_owned())
        });
        let linger = self.one("kafka.linger", duration);
        let request_timeout = self.one("kafka.request_timeout", duration);
        let properties = self.properties();
        let Some(said) = self.sources.get("kafka.brokers") else {
            for key in [
                "kafka.topic",
                "kafka.compression",
                "kafka.linger",
                "kafka.request_timeout",
                "kafka.properties",
            ] {
                let said = self.sources.get(key).filter(|said| !matches!(said.origin, Origin::Default(_)));
                if let Some(said) = said {
                    let message = "is set, but kafka.brokers is not: name the brokers, or leave this out";
                    self.problems.push(Problem::new(said.origin, message));
                }
            }
            return None;
        };
        let brokers: Vec<String> = said
            .values
            .iter()
            .flat_map(|text| text.split(','))
            .map(|broker| broker.trim().to_owned())
            .collect();
        Some(KafkaSettings {
            brokers,
            topic: topic?,
            compression: compression?,
            linger: linger?,
            request_timeout: request_timeout?,
            properties,
        })
    }

    fn properties(&mut self) -> BTreeMap<String, String> {
        let Some(said) = self.sources.get("kafka.properties") else { return BTreeMap::new() };
        let mut properties = BTreeMap::new();
        for pair in said.values {
            match pair.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    properties.insert(name.trim().to_owned(), value.to_owned());
                }
                // The value may be a password: it is not repeated.
                _ => self
                    .problems
                    .push(Problem::new(&said.origin, "must be NAME=VALUE, such as client.rack=a")),
            }
        }
        properties
    }
}

#[cfg(test)]
mod tests;
