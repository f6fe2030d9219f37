//! What sent a request: browser, system, device and whether it is a bot, from `User-Agent` and the Client Hints.
//! What was read once is cached by the headers' text; what is new is read by one thread, which alone holds the rules.

mod claimed;
mod class;
mod describe;
mod hints;
mod rules;

pub use claimed::Claimed;

use crate::settings::DeviceSettings;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use describe::describe;
use footfall_event_model::text;
use prometheus_client::metrics::counter::Counter;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Bytes of a `User-Agent` that are read.
const USER_AGENT_BYTES: usize = 512;
/// Bytes of each Client Hint that are read.
const HINT_BYTES: usize = 256;
/// Bytes that the cache may take: some ten thousand browsers, more than a busy site sees in a day.
const CACHE_BYTES: u64 = 8 << 20;
/// Bytes of an entry beside its texts.
const ENTRY_BYTES: usize = 160;
/// Requests that wait for the reader; those above wait for a place.
const WAITING: usize = 1024;

/// The headers that are read, `User-Agent` first: `describe` counts on the order.
const HEADERS: [&str; 7] = [
    "user-agent",
    "sec-ch-ua",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-ch-ua-platform-version",
    "sec-ch-ua-model",
];

/// What is known of the sender of a request.
#[derive(Debug)]
pub struct Agent {
    /// The record's `user_agent`.
    pub text: Box<RawValue>,
    /// Whether it is a bot, also where the record does not say so.
    pub bot: bool,
}

/// What of it stands in the record.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// The header as it came.
    original: bool,
    /// Whether it is a bot.
    bot: bool,
}

/// Reads who sends.
pub struct Agents {
    keep_original: bool,
    cache: Cache<Box<str>, Arc<Agent>, Weight>,
    /// Missing where `user_agent.parse` is off.
    reader: Option<mpsc::Sender<Question>>,
    hits: Counter,
    misses: Counter,
}

struct Question {
    headers: Box<str>,
    told: Told,
    answer: oneshot::Sender<Arc<Agent>>,
}

impl Agent {
    /// Reads headers here and now, for the fuzz targets.
    pub(crate) fn read_now(headers: &HeaderMap, original: bool, bot: bool) -> Option<Self> {
        let told = Told { original, bot };
        describe(rules::get(), &key(headers, told)?, told)
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Box<str>, Arc<Agent>> for Weight {
    fn weight(&self, key: &Box<str>, agent: &Arc<Agent>) -> u64 {
        (key.len() + agent.text.get().len() + ENTRY_BYTES) as u64
    }
}

impl Agents {
    /// Starts reading the rules where they are wanted; a request that comes before that is done waits for it.
    pub fn new(settings: DeviceSettings, hits: Counter, misses: Counter) -> Self {
        let cache = Cache::with_weighter(CACHE_BYTES as usize / 512, CACHE_BYTES, Weight);
        let reader = settings.parse.then(start_reader).flatten();
        Self { keep_original: settings.keep_original, cache, reader, hits, misses }
    }

    /// Who sent a request with these headers; `None` where it does not say.
    ///
    /// `private` leaves the header itself out, which tells more of a visitor than what is read from it; `tag` says
    /// whether the record tells bots.
    pub async fn of(&self, headers: &HeaderMap, private: bool, tag: bool) -> Option<Arc<Agent>> {
        let told = Told { original: self.keep_original && !private, bot: tag };
        let key = key(headers, told)?;
        if let Some(known) = self.cache.get(&*key) {
            self.hits.inc();
            return Some(known);
        }
        self.misses.inc();
        let agent = match self.ask(&key, told).await {
            Some(agent) => agent,
            None => Arc::new(describe(None, &key, told)?),
        };
        self.cache.insert(key, Arc::clone(&agent));
        Some(agent)
    }

    async fn ask(&self, key: &str, told: Told) -> Option<Arc<Agent>> {
        let (answer, answered) = oneshot::channel();
        let question = Question { headers: key.into(), told, answer };
        self.reader.as_ref()?.send(question).await.ok()?;
        answered.await.ok()
    }
}

/// The one thread that reads new headers: a regular expression keeps a cache for each thread that uses it, and those
/// of 1,400 would take 15 MiB a thread.
fn start_reader() -> Option<mpsc::Sender<Question>> {
    let (ask, mut asked) = mpsc::channel::<Question>(WAITING);
    let read = move || {
        let rules = rules::get();
        while let Some(Question { headers, told, answer }) = asked.blocking_recv() {
            if let Some(agent) = describe(rules, &headers, told) {
                // Who asked may be gone.
                let _ = answer.send(Arc::new(agent));
            }
        }
    };
    match std::thread::Builder::new().name("user-agents".to_owned()).spawn(read) {
        Ok(_) => Some(ask),
        Err(error) => {
            tracing::error!(%error, "no thread to read user agents: records do not tell browsers");
            None
        }
    }
}

/// The headers in one text, a line each, behind a letter for what is told: what the cache knows them by.
fn key(headers: &HeaderMap, told: Told) -> Option<Box<str>> {
    headers.get(USER_AGENT)?;
    let mut key = String::with_capacity(256);
    key.push(match (told.original, told.bot) {
        (false, false) => 'a',
        (false, true) => 'b',
        (true, false) => 'c',
        (true, true) => 'd',
    });
    for name in HEADERS {
        let bytes = headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        let most = if name == HEADERS[0] { USER_AGENT_BYTES } else { HINT_BYTES };
        key.push_str(text::cut(&String::from_utf8_lossy(bytes), most));
        key.push('\n');
    }
    Some(key.into())
}

#[cfg(test)]
mod tests;
