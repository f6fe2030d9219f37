//! The bounds of the HTTP edge: how much may be open or under way, and how long each thing may take.
//! What happens at a bound is decided where it is kept: in `http::transport` and in `admit`.

use super::Reader;
use super::value::{count, size, wait};
use std::time::Duration;

/// The bounds of the HTTP edge.
#[derive(Debug, Clone, Copy)]
pub struct HttpSettings {
    /// Connections open at once on all public addresses together, and on the admin address.
    pub max_connections: usize,
    /// Connections open at once from one client address (an IPv6 /64).
    pub max_connections_per_address: usize,
    /// Bytes of all bodies being read at once.
    pub max_body_bytes: usize,
    /// How long a TLS handshake or a PROXY header may take.
    pub handshake_timeout: Duration,
    /// How long a new connection may say nothing, and a request's head may take.
    pub head_timeout: Duration,
    /// How long one body may take to arrive.
    pub body_timeout: Duration,
    /// How long a connection may be open without a request.
    pub idle_timeout: Duration,
    /// How long a client may leave an answer unread.
    pub answer_timeout: Duration,
    /// How long a connection lives; it is then ended between two requests.
    pub max_connection_age: Duration,
}

impl HttpSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_connections = reader.one("http.max_connections", count);
        let max_connections_per_address = reader.one("http.max_connections_per_address", count);
        let max_body_bytes = reader.one("http.max_body_bytes", size);
        let handshake_timeout = reader.one("http.handshake_timeout", wait);
        let head_timeout = reader.one("http.head_timeout", wait);
        let body_timeout = reader.one("http.body_timeout", wait);
        let idle_timeout = reader.one("http.idle_timeout", wait);
        let answer_timeout = reader.one("http.answer_timeout", wait);
        let max_connection_age = reader.one("http.max_connection_age", wait);
        Some(Self {
            max_connections: max_connections?,
            max_connections_per_address: max_connections_per_address?,
            max_body_bytes: max_body_bytes?,
            handshake_timeout: handshake_timeout?,
            head_timeout: head_timeout?,
            body_timeout: body_timeout?,
            idle_timeout: idle_timeout?,
            answer_timeout: answer_timeout?,
            max_connection_age: max_connection_age?,
        })
    }
}
