//! What the file says of single sites, `[site.<write key>]`: whose pages may send, and what they are told to capture.
//! It stands in the file only, since one flag for all sites would say nothing.

mod limits;
mod origins;
mod privacy;
mod values;

pub use origins::Origins;
pub(crate) use origins::without_port;
pub use privacy::{SignalPolicy, Signals};

use super::checks::{SiteCheckSettings, anonymous, plan_mode, signatures};
use super::page::{self, BotPolicy, Route};
use super::secret::SecretPlace;
use super::source::{Origin, scalar, unknown};
use super::{Problem, SiteLimits};
use footfall_event_model::{Event, check};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use toml::de::{DeTable, DeValue};

/// What is set for one site.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteSettings {
    /// What its operator calls it, as it stands in each record.
    pub name: Option<String>,
    /// The origins whose pages may send; `None` where every page may.
    pub origins: Option<Origins>,
    /// Whether a request with `Origin: null` is refused.
    pub refuse_null_origin: bool,
    /// What is done where a visitor's browser asks not to be tracked.
    pub signals: Signals,
    /// Rate limits of its own.
    pub limits: SiteLimits,
    /// What becomes of a bot's events.
    pub bots: BotPolicy,
    /// Its own routes, over those of all sites.
    pub routes: Vec<Route>,
    /// Whether a sender may say another address than its own (`context.ip` of Segment's clients).
    pub takes_claimed_address: bool,
    /// What its pages are told.
    pub capture: CaptureSettings,
    /// What is checked of its events.
    pub checks: SiteCheckSettings,
}

impl fmt::Display for SiteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origins {
            Some(origins) => write!(f, "origins {origins}")?,
            None => f.write_str("any origin")?,
        }
        let null = if self.refuse_null_origin { "refused" } else { "accepted" };
        if self.takes_claimed_address {
            f.write_str("; a claimed address is taken")?;
        }
        let told = serde_json::to_string(&self.capture).map_err(|_| fmt::Error)?;
        let Signals { gpc, dnt } = self.signals;
        let (bots, routes) = (self.bots.as_str(), self.routes.len());
        write!(f, "; Origin: null {null}; gpc {gpc}, dnt {dnt}{}; bots {bots}", self.limits)?;
        write!(f, "; {routes} routes of its own; pages are told {told}")
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

const KEYS: [&str; 18] = [
    "name",
    "origins",
    "null_origin",
    "claimed_address",
    "gpc",
    "dnt",
    "bots",
    "routes",
    "capture",
    "sample_rate",
    "sample",
    "key_events",
    "plan",
    "plan_mode",
    "anonymous",
    "user_secret_file",
    "user_secret_env",
    "user_signatures",
];

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
        let mut site = SiteSettings { limits: self.limits(fields), ..SiteSettings::default() };
        let told = &mut site.capture;
        for (name, value) in fields {
            let (at, value) = (name.span().start, value.get_ref());
            match name.get_ref().as_ref() {
                "name" => match scalar(value).as_deref().map(super::value::name) {
                    Some(Ok(name)) => site.name = Some(name),
                    Some(Err(message)) => self.wrong(at, "name", message),
                    None => self.wrong(at, "name", "must be a text"),
                },
                "origins" => {
                    let texts = self.texts(at, "origins", value, origins::check);
                    site.origins = Some(Origins::new(texts));
                }
                "null_origin" => match scalar(value).as_deref() {
                    Some("accept") => site.refuse_null_origin = false,
                    Some("refuse") => site.refuse_null_origin = true,
                    _ => self.wrong(at, "null_origin", "must be \"accept\" or \"refuse\""),
                },
                name @ ("gpc" | "dnt") => match SignalPolicy::read(scalar(value).as_deref()) {
                    Some(policy) if name == "gpc" => site.signals.gpc = policy,
                    Some(policy) => site.signals.dnt = policy,
                    None => self.wrong(at, name, "must be \"anonymous\", \"drop\" or \"ignore\""),
                },
                "bots" => match BotPolicy::read(value) {
                    Ok(policy) => site.bots = policy,
                    Err(message) => self.wrong(at, "bots", message),
                },
                "routes" => {
                    let key = format!("{}.routes", self.key);
                    site.routes = page::routes(value, &key, at, self.place, self.problems);
                }
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
                "plan" | "plan_mode" | "anonymous" | "user_secret_file" | "user_secret_env"
                | "user_signatures" => self.check(at, name.get_ref(), value, &mut site.checks),
                known if limits::KEYS.contains(&known) => {}
                other => {
                    let key = format!("{}.{other}", self.key);
                    self.problems.push(unknown(
                        (self.place)(at, &key),
                        "key",
                        other,
                        KEYS.into_iter().chain(limits::KEYS),
                    ));
                }
            }
        }
        site
    }

    /// What is checked of the site's events.
    fn check(&mut self, at: usize, name: &str, value: &DeValue<'_>, checks: &mut SiteCheckSettings) {
        let origin = self.origin(at, name);
        match name {
            "plan_mode" => checks.plan_mode = self.word(at, name, value, plan_mode),
            "anonymous" => checks.anonymous = self.word(at, name, value, anonymous).unwrap_or_default(),
            "user_signatures" => {
                let required = self.word(at, name, value, signatures).unwrap_or_default();
                checks.users_are_signed = required.then_some(origin);
            }
            _ => match value.as_str().filter(|text| !text.is_empty()).map(str::to_owned) {
                None => self.wrong(at, name, "must be a name in quotes, such as \"footfall.secret\""),
                Some(file) if name == "plan" => checks.plan = Some((origin, file)),
                Some(_) if checks.user_secret.is_some() => {
                    self.wrong(
                        at,
                        name,
                        "is a second secret; name one by user_secret_file or user_secret_env",
                    );
                }
                Some(file) if name == "user_secret_file" => {
                    checks.user_secret = Some((origin, SecretPlace::File(file)));
                }
                Some(name) => checks.user_secret = Some((origin, SecretPlace::Variable(name))),
            },
        }
    }

    fn origin(&self, at: usize, name: &str) -> Origin {
        (self.place)(at, &format!("{}.{name}", self.key))
    }

    fn wrong(&mut self, at: usize, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(self.origin(at, name), message));
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

#[cfg(test)]
mod tests;
