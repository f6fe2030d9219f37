//! The step that adds what only a server can know: the time, the client's address, what sent the request.
//! It is the same for all events of a request; nothing that the sender said is changed here.

mod address;

pub(crate) use address::keep;

use crate::settings::AddressPolicy;
use axum::http::HeaderMap;
use axum::http::header::{ORIGIN, USER_AGENT};
use footfall_event_model::{Client, text};
use std::net::IpAddr;
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
    /// What sent it, cut to 512 bytes.
    pub user_agent: Option<String>,
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
        let agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self {
            received_at: unix_ms(SystemTime::now()),
            client: Client { null_origin, ..address::keep(client, policy) },
            user_agent: agent.map(|agent| text::cut(&agent, USER_AGENT_BYTES).to_owned()),
            private,
        }
    }
}

/// A time in Unix milliseconds; 0 for a clock that stands before 1970.
pub fn unix_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
