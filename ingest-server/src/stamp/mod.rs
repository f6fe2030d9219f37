//! The step that adds what only a server can know: the time, the client's address, what sent the request.
//! It is the same for all events of a request; nothing that the sender said is changed here.

mod address;
mod agent;
mod clock;
mod names;
mod page;
pub mod place;
mod salt;

pub use agent::{Agent, Agents, Claimed};
pub use clock::Clock;
pub use names::Names;
pub use page::{PageRules, PageTexts, Pages};

use crate::settings::AddressPolicy;
use axum::http::HeaderMap;
use axum::http::header::{ORIGIN, USER_AGENT};
use footfall_event_model::{Client, text};
use place::Places;
use salt::DailySalt;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a `User-Agent` that are kept.
const USER_AGENT_BYTES: usize = 512;

/// What the server knows of a request.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When the request's head had been read, in Unix milliseconds.
    pub received_at: i64,
    /// Where it came from.
    pub client: Client,
    /// What sent it, as it came, cut to 512 bytes.
    pub user_agent: Option<String>,
    /// The trace that the request is part of (W3C Trace Context), where it says so.
    pub traceparent: Option<String>,
    /// The visitor's browser asked for privacy and the site obeys: the events are kept without ids and without the
    /// address, whatever the page's script did.
    pub private: bool,
}

/// What requests are stamped with.
#[derive(Debug)]
pub struct Stamper {
    policy: AddressPolicy,
    salt: DailySalt,
    places: Arc<Places>,
}

impl Stamper {
    /// Keeps of addresses what `policy` says, and looks them up in `places`.
    pub fn new(policy: AddressPolicy, places: Arc<Places>) -> Self {
        Self { policy, salt: DailySalt::default(), places }
    }

    /// Stamps a request of the client with this address that came at this time.
    pub fn stamp(
        &self,
        received_at: i64,
        client: Option<IpAddr>,
        headers: &HeaderMap,
        private: bool,
    ) -> Stamp {
        let null_origin =
            headers.get(ORIGIN).is_some_and(|value| value.as_bytes() == b"null").then_some(true);
        let agent = headers.get(USER_AGENT).filter(|_| !private);
        let agent = agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
        Stamp {
            received_at,
            client: self.client(received_at, client, null_origin, private),
            user_agent: agent.map(|agent| text::cut(&agent, USER_AGENT_BYTES).to_owned()),
            traceparent: headers.get("traceparent").and_then(|value| Some(value.to_str().ok()?.to_owned())),
            private,
        }
    }

    /// What is kept of an address, and its place, which is looked up before the address is cut.
    pub fn client(
        &self,
        received_at: i64,
        address: Option<IpAddr>,
        null_origin: Option<bool>,
        private: bool,
    ) -> Client {
        let place = address.map(|address| self.places.find(address)).unwrap_or_default();
        let kept = address::keep(address, self.policy, &self.salt, received_at);
        let client = place.told(Client { null_origin, ..kept });
        if private { nameless(&client) } else { client }
    }
}

impl Stamp {
    /// The same for an event that is kept as if its visitor had asked for privacy.
    pub fn nameless(&self) -> Self {
        let client = nameless(&self.client);
        let (received_at, traceparent) = (self.received_at, self.traceparent.clone());
        Self { received_at, client, user_agent: None, traceparent, private: true }
    }
}

/// Without the address, and of its place the country alone: a country is millions of people, a city or a company's
/// network may be a handful.
fn nameless(client: &Client) -> Client {
    let Client { null_origin, country, .. } = client.clone();
    Client { address_policy: "drop", null_origin, country, ..Client::default() }
}

/// What a batch is stamped with, once its site is known.
#[derive(Clone)]
pub struct Seen<'a> {
    /// What the request says by itself.
    pub stamp: Cow<'a, Stamp>,
    /// Who sent it, where it says.
    pub agent: Option<&'a Agent>,
    /// The rules for the pages of its site.
    pub pages: &'a PageRules,
    /// What the operator calls this server.
    pub server: Option<&'a RawValue>,
    /// What the operator calls the site.
    pub site: Option<&'a str>,
}

/// A time in Unix milliseconds; 0 for a clock that stands before 1970.
pub fn unix_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
