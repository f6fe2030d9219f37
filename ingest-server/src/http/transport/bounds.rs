//! How long each thing on a connection may take, and the names of what happens when it takes longer.
//! The times come from the settings; what they mean is said there.

use crate::settings::HttpSettings;
use std::time::Duration;

/// The times that one connection has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For a request's head.
    pub(super) head: Duration,
    /// Without a request.
    pub(super) idle: Duration,
    /// For an answer that the client does not read.
    pub(super) answer: Duration,
    /// Altogether, if bounded.
    pub(super) age: Option<Duration>,
    /// Whether it speaks HTTP/2.
    pub(super) http2: bool,
    /// Without a request until its buffers are given back, where they can be.
    pub(super) rest: Option<Duration>,
}

/// A connection rests after this part of the time for which it may be idle (10 s of a minute): longer than the pause
/// between the requests of a page that is being used, and far shorter than most pages stay open.
const REST_PART: u32 = 6;

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It has nothing to do: its buffers are given back.
    Rest,
    /// It is ended.
    End(Reason),
}

impl Times {
    pub(super) fn new(http: &HttpSettings, ages: bool, http2: bool, rests: bool) -> Self {
        let age = ages.then_some(http.max_connection_age);
        let rest = rests.then(|| http.idle_timeout / REST_PART);
        Self {
            head: http.head_timeout,
            idle: http.idle_timeout,
            answer: http.answer_timeout,
            age,
            http2,
            rest,
        }
    }

    /// The same for a connection that was told to end: it is not idle any more, and lives that long at most.
    pub(super) fn ending(&self, age: Duration) -> Self {
        Self { idle: age, age: Some(age), rest: None, ..*self }
    }

    /// How often a connection is looked at where its own task does not notice: answers of HTTP/2 move in others.
    pub(super) fn tick(&self) -> Duration {
        self.idle.min(self.answer)
    }
}

/// Why a connection was ended by the server, or was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There was no request for too long.
    Idle,
    /// It has lived as long as one may.
    Age,
    /// A request's head did not come.
    Head,
    /// The client did not read its answer.
    Stalled,
    /// The TLS handshake failed or took too long.
    Handshake,
    /// The PROXY header was missing, broken, too slow, or from somebody who is not trusted.
    ProxyHeader,
    /// Too many connections from one address.
    Address,
    /// The server stopped and did not wait any longer.
    Stop,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Age,
        Self::Head,
        Self::Stalled,
        Self::Handshake,
        Self::ProxyHeader,
        Self::Address,
        Self::Stop,
    ];

    /// The label of the metric.
    pub fn label(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Age => "age",
            Self::Head => "head_timeout",
            Self::Stalled => "answer_not_read",
            Self::Handshake => "tls_handshake",
            Self::ProxyHeader => "proxy_header",
            Self::Address => "too_many_from_address",
            Self::Stop => "stop",
        }
    }

    /// Whether the connection may first end what it has begun.
    pub(super) fn is_graceful(self) -> bool {
        matches!(self, Self::Idle | Self::Age)
    }
}
