//! The settings of the server, read as a whole: a flag over the environment over the file over the default.
//! Everything that is wrong is told at once, each with its place; nothing is opened or connected here.

mod checks;
mod format;
mod geo;
mod guarantee;
mod http;
mod kafka;
mod kafka_route;
mod limits;
mod listen;
mod page;
mod plan_folder;
mod properties;
mod proxies;
mod reader;
mod redis;
mod secret;
mod site;
mod source;
mod table;
mod value;

pub use checks::SiteCheckSettings;
pub use format::{FormatSettings, RegistrySettings, RegistryUrl, SubjectNames};
pub use geo::GeoSettings;
pub use http::HttpSettings;
pub use kafka_route::KafkaRoute;
pub use limits::{Limit, LimitSettings, SiteLimits};
pub use listen::{TlsSettings, UnixSettings};
pub use page::{BotPolicy, DeviceSettings, PageSettings, Route};
pub use proxies::{ProxyHeader, ProxySettings};
pub use redis::{OnFailure, RedisSettings};
pub use secret::{RenewableSecret, SecretPlace};
pub(crate) use site::without_port;
pub use site::{CAPTURES, CaptureSettings, Origins, SignalPolicy, Signals, SiteSettings};
pub use source::{Origin, Said, Sources};
pub use table::{SETTINGS, Setting};

use crate::check::SiteChecks;
use crate::log::LogFormat;
use crate::secret::Secret;
use bytesize::ByteSize;
use footfall_delivery::{DeliverySettings, WrongSetting};
use reader::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use value::{address, log_format, non_empty, policy, size, threads, wait};

/// What the server runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events and the SDK are served.
    pub listen: SocketAddr,
    /// Where this server stands, as its operator calls it.
    pub region: Option<String>,
    /// Which one it is.
    pub instance: Option<String>,
    /// Where both are served by TLS too, if at all.
    pub tls: Option<TlsSettings>,
    /// The Unix socket where they are served too, if any.
    pub unix: Option<UnixSettings>,
    /// Where probes, metrics and the live view are served.
    pub admin_listen: SocketAddr,
    /// What opens the live view; without it only this machine may see that.
    pub admin_token: Option<Secret>,
    /// The sites' public keys; never empty.
    pub write_keys: BTreeSet<String>,
    /// What is set for single sites, by their keys.
    pub sites: BTreeMap<String, SiteSettings>,
    /// What is checked of the events of each key.
    pub checks: BTreeMap<String, SiteChecks>,
    /// Whether refused events are kept as dead letters.
    pub dead_letters: bool,
    /// Bytes that the memory of batch ids may take.
    pub receipts_max_bytes: usize,
    /// Bytes that the window of event ids may take.
    pub event_ids_max_bytes: usize,
    /// How far back the ids of stored events are read at a start, if they are.
    pub event_ids_rebuild: Option<Duration>,
    /// What several servers share, if anything.
    pub redis: Option<RedisSettings>,
    /// Where records go.
    pub delivery: DeliverySettings,
    /// Which events go to another topic than the rest; the first that fits counts.
    pub kafka_routes: Vec<KafkaRoute>,
    /// In which form a record stands in Kafka.
    pub format: FormatSettings,
    /// The bounds of the HTTP edge.
    pub http: HttpSettings,
    /// Whom to believe about a request's client.
    pub proxies: ProxySettings,
    /// Where an address's place comes from.
    pub geo: GeoSettings,
    /// Rate limits, and what is refused first when room is short.
    pub limits: LimitSettings,
    /// Whether those proxies begin each connection with a PROXY header.
    pub proxy_protocol: bool,
    /// What is kept of a client's address.
    pub address_policy: AddressPolicy,
    /// How the log's lines look.
    pub log_format: LogFormat,
    /// What is read of who sends a request.
    pub device: DeviceSettings,
    /// What is kept of a page's address.
    pub pages: PageSettings,
    /// How long a stop may take.
    pub stop_timeout: Duration,
    /// How many threads answer requests.
    pub worker_threads: usize,
}

/// What is kept of a client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address. The default.
    Truncate,
    /// Nothing.
    Drop,
    /// A keyed hash, whose salt lives in memory only and is another one each day (UTC).
    Hash,
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
        let (region, instance) =
            (reader.one("server.region", value::name), reader.one("server.instance", value::name));
        let listen = reader.one("listen", address);
        let tls = TlsSettings::read(&mut reader);
        let unix = UnixSettings::read(&mut reader);
        let admin_listen = reader.one("admin_listen", address);
        let admin_token = reader.admin_token();
        let data_dir = reader.one("data_dir", |text| non_empty(text).map(PathBuf::from));
        let write_keys = reader.write_keys();
        let sites = reader.sites(&write_keys);
        let checks = reader.checks(&write_keys, &sites);
        let kafka = reader.kafka();
        let format = reader.format();
        let kafka_routes = reader.kafka_routes(|site| write_keys.contains(site));
        let memory_max_bytes = reader.one("memory.max_bytes", size);
        let journal_max_bytes = reader.one("journal.max_bytes", size);
        let journal_reserve = reader.one("journal.reserve", value::percent);
        let retention_age = reader.one("journal.retention_age", value::age);
        let retention_bytes = reader.one("journal.retention_bytes", value::part);
        let dead_letters = reader.one("dead_letters", value::switch);
        let receipts_max_bytes = reader.one("receipts.max_bytes", size);
        let event_ids_max_bytes = reader.one("event_ids.max_bytes", size);
        let event_ids_rebuild = reader.one("event_ids.rebuild", value::age);
        let redis = reader.redis();
        let proxies = reader.proxies();
        let geo = reader.geo();
        let limits = reader.limits();
        let proxy_protocol = reader.proxy_protocol();
        let http = HttpSettings::read(&mut reader);
        let address_policy = reader.one("privacy.address", policy);
        let log_format = reader.one("log.format", log_format);
        let (device, pages) = (reader.device(), reader.pages());
        let stop_timeout = reader.one("stop_timeout", wait);
        let worker_threads = reader.one("worker_threads", threads);

        if let (Some(listen), Some(admin)) = (listen, admin_listen)
            && listen == admin
            && listen.port() != 0
        {
            let message = format!("is {listen} too, like listen; give the admin address a port of its own");
            problems.push(Problem::new("admin_listen", message));
        }
        let one_body = footfall_event_model::limits::BATCH_BYTES;
        if http.is_some_and(|http| http.max_body_bytes < one_body) {
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
        if let Some(percent) = journal_reserve {
            delivery.journal.reserve_percent = percent;
        }
        if let Some(age) = retention_age {
            delivery.journal.retention_age = age;
        }
        if let Some(part) = retention_bytes {
            delivery.journal.retention_bytes = part.map(|part| part.of(delivery.journal.max_bytes));
        }
        problems.extend(delivery.check().into_iter().map(|wrong| placed(sources, wrong)));
        if !problems.is_empty() {
            return None;
        }
        Some(Self {
            listen: listen?,
            region,
            instance,
            tls,
            unix,
            admin_listen: admin_listen?,
            admin_token,
            write_keys,
            sites,
            checks,
            dead_letters: dead_letters?,
            receipts_max_bytes: receipts_max_bytes?,
            event_ids_max_bytes: event_ids_max_bytes?,
            event_ids_rebuild: event_ids_rebuild?,
            redis,
            delivery,
            kafka_routes,
            format: format?,
            proxies: proxies?,
            geo: geo?,
            limits: limits?,
            proxy_protocol: proxy_protocol?,
            http: http?,
            address_policy: address_policy?,
            log_format: log_format?,
            device: device?,
            pages,
            stop_timeout: stop_timeout?,
            worker_threads: worker_threads?,
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

#[cfg(test)]
mod tests;
