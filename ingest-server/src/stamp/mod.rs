//! The step that adds what only a server can know: the time, the client's address, what sent the request.
//! It is the same for all events of a request; nothing that the sender said is changed here.

mod address;
mod agent;
mod page;

pub use agent::{Agent, Agents};
pub use page::{PageRules, PageTexts, Pages};

use crate::settings::AddressPolicy;
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use footfall_event_model::Client;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the server knows of a request.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When the request's head had been read, in Unix milliseconds.
    pub received_at: i64,
    /// Where it came from.
    pub client: Client,
    /// The visitor asked for privacy (`Sec-GPC: 1`, Global Privacy Control, section 3.2): the events are kept
    /// without ids and without the address, whatever the page's script did.
    pub private: bool,
}

impl Stamp {
    /// Stamps a request of the client with this address with the time now.
    pub fn new(client: Option<IpAddr>, headers: &HeaderMap, policy: AddressPolicy) -> Self {
        let private = headers.get("sec-gpc").is_some_and(|value| value.as_bytes() == b"1");
        let policy = if private { AddressPolicy::Drop } else { policy };
        let null_origin =
            headers.get(ORIGIN).is_some_and(|value| value.as_bytes() == b"null").then_some(true);
        Self {
            received_at: unix_ms(SystemTime::now()),
            client: Client { null_origin, ..address::keep(client, policy) },
            private,
        }
    }
}

/// What a batch is stamped with, once its site is known.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// What the request says by itself.
    pub stamp: &'a Stamp,
    /// Who sent it, where it says.
    pub agent: Option<&'a Agent>,
    /// The rules for the pages of its site.
    pub pages: &'a PageRules,
}

/// A time in Unix milliseconds; 0 for a clock that stands before 1970.
pub fn unix_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
