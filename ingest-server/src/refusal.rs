//! The one error of the edge: why a request is refused as a whole.
//! The HTTP status, the metric's label and the body of the answer are all derived from it.

mod log;

pub use log::RefusalLog;

use crate::admit::{Counted, Quota};
use crate::jitter;
use axum::http::StatusCode;
use footfall_delivery::{DeliveryError, Priority};
use footfall_event_model::limits::BATCH_BYTES;
use footfall_event_model::wire::BatchError;
use footfall_event_model::{Refusal, Violation};
use std::time::Duration;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A query parameter has a value that it cannot have.
    #[error("{name} is {value:?}; it must be {right}")]
    BadQuery {
        /// The parameter.
        name: &'static str,
        /// What it was, cut.
        value: String,
        /// What it may be.
        right: &'static str,
    },
    /// The head is larger than any browser's.
    #[error("the request has more than {headers} headers or {bytes} bytes of them; send fewer")]
    HeadTooLarge {
        /// Headers that it may have.
        headers: usize,
        /// Bytes that they may have.
        bytes: usize,
    },
    /// The body's media type is not one of the two.
    #[error("the content type is {0:?}; send JSON as text/plain or application/json")]
    ContentType(String),
    /// The body's encoding is not known.
    #[error("the encoding is {0:?}; it must be gzip, br, zstd or identity")]
    Encoding(String),
    /// The body is not what its encoding says.
    #[error("the body is not {encoding}: {error}")]
    NotEncoded {
        /// The encoding that was named.
        encoding: &'static str,
        /// What the decoder said.
        error: String,
    },
    /// The body is above its limit as it came.
    #[error("the body has more than {BATCH_BYTES} bytes; split the batch")]
    BodyTooLarge,
    /// The body unpacks to far more than it was.
    #[error("the body unpacks to more than {0} times its size; split the batch")]
    Ratio(usize),
    /// The body did not arrive in time.
    #[error("the body did not arrive within {} s", .0.as_secs_f32())]
    BodyTimeout(Duration),
    /// The connection broke while the body was read.
    #[error("the body could not be read: {0}")]
    BodyBroken(String),
    /// As many bodies as there is memory for are being read.
    #[error("the server is reading as many bodies as it has memory for; send this again")]
    Overloaded,
    /// More is in flight than is taken of this priority.
    #[error("the server has too much in flight to take {0:?} events now; send this again later")]
    Shed(Priority),
    /// A limit is used up.
    #[error("{}", limited(*of, quota))]
    RateLimited {
        /// Whose.
        of: Counted,
        /// What is left of it, and when.
        quota: Quota,
    },
    /// No key was named.
    #[error("no write key: give it as ?key=, as the header X-Write-Key, or as write_key in the body")]
    NoWriteKey,
    /// The key is not one of ours.
    #[error("the write key {0:?} is not known to this server")]
    UnknownWriteKey(String),
    /// The page's origin is not one of the site's.
    #[error(
        "the origin {origin:?} may not send with the write key {write_key:?}; the site's origins are a setting of this server"
    )]
    OriginNotAllowed {
        /// What the browser said, cut.
        origin: String,
        /// The key.
        write_key: String,
    },
    /// There is no site of that key to tell the capture settings of.
    #[error("there is no site with the write key {0:?} on this server")]
    NoSuchSite(String),
    /// A copy of the batch is being stored, and takes long.
    #[error("the same batch is being stored right now; send it again to learn its fate")]
    InFlight,
    /// The batch cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The records could not be made durable.
    #[error("{0}")]
    Delivery(#[from] DeliveryError),
    /// There is nothing at that path.
    #[error("no such path; events go to POST /v1/events")]
    NotFound,
    /// The path takes another method.
    #[error("this path does not take {0}; events go to POST /v1/events")]
    MethodNotAllowed(String),
    /// Redis is away, and what servers share through it is needed.
    #[error("the memory that this server shares with others does not answer; send this again later")]
    RedisUnavailable,
    /// A defect of ours.
    #[error("the server failed on this request; it is a defect, please report it")]
    Internal,
}

impl Refused {
    /// The stable name of the cause.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadQuery { .. } => "bad_query",
            Self::HeadTooLarge { .. } => "headers_too_large",
            Self::ContentType(_) => "unsupported_content_type",
            Self::Encoding(_) => "unsupported_encoding",
            Self::NotEncoded { .. } => "bad_encoding",
            Self::BodyTooLarge | Self::Ratio(_) => "batch_too_large",
            Self::BodyTimeout(_) => "body_timeout",
            Self::BodyBroken(_) => "body_broken",
            Self::Overloaded | Self::Shed(_) => "overloaded",
            Self::RateLimited { .. } => "rate_limited",
            Self::NoWriteKey => "no_write_key",
            Self::UnknownWriteKey(_) | Self::NoSuchSite(_) => "unknown_write_key",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::InFlight => "in_flight",
            Self::Batch(error) => error.code(),
            Self::Delivery(error) => error.code(),
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::RedisUnavailable => "redis_unavailable",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status (RFC 9110, section 15).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadQuery { .. } | Self::NotEncoded { .. } | Self::BodyBroken(_) => StatusCode::BAD_REQUEST,
            Self::ContentType(_) | Self::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge | Self::Ratio(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NoWriteKey | Self::UnknownWriteKey(_) => StatusCode::UNAUTHORIZED,
            Self::OriginNotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::Batch(BatchError::TooLarge | BatchError::TooManyEvents { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Batch(_) => StatusCode::BAD_REQUEST,
            Self::Delivery(DeliveryError::BatchTooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            // RFC 6585, section 5.
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded
            | Self::Shed(_)
            | Self::InFlight
            | Self::RedisUnavailable
            | Self::Delivery(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound | Self::NoSuchSite(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How long to wait at least before the same request can succeed, where it can.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded | Self::InFlight | Self::RedisUnavailable | Self::BodyTimeout(_) => {
                Some(Duration::from_secs(1))
            }
            // What matters more may come again earlier.
            Self::Shed(Priority::Key) => Some(Duration::from_secs(1)),
            Self::Shed(Priority::Normal) => Some(Duration::from_secs(2)),
            Self::Shed(Priority::Background) => Some(Duration::from_secs(4)),
            Self::RateLimited { quota, .. } => Some(Duration::from_nanos(quota.wait_ns)),
            Self::Delivery(error) => error.retry_after(),
            _ => None,
        }
    }

    /// The body of the answer; the wait in it is spread, so that not all who were refused come again at once.
    pub fn body(&self) -> Refusal {
        let found: &[Violation] = match self {
            Self::Batch(BatchError::NotABatch(found)) => found,
            _ => &[],
        };
        Refusal {
            code: self.code().to_owned(),
            path: found.first().map(|first| first.path.clone()),
            reason: self.to_string(),
            violations: if found.len() > 1 { found.to_vec() } else { Vec::new() },
            retry_after_ms: self.retry_after().map(jitter::spread_ms),
        }
    }
}

/// What is said at a limit.
fn limited(of: Counted, quota: &Quota) -> String {
    let (what, limit) = match of {
        Counted::Address => ("requests came from this address", quota.limit),
        Counted::Key => ("events came with this write key", quota.limit),
    };
    let seconds = Duration::from_nanos(quota.wait_ns).as_secs_f32();
    format!("more {what} than its limit allows (at most {limit} at once); send this again in {seconds:.1} s")
}
