//! From an answer or a refusal to an HTTP response: always JSON, never cached.
//! What a script must know stands in the body as well, since it may not see the headers.

use crate::admit::Quota;
use crate::refusal::Refused;
use axum::Json;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use axum::response::IntoResponse;
use footfall_event_model::Answer;
use serde::Serialize;

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(super) const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How many headers an answer has in the end: room for all of them at once.
const HEADERS: usize = 14;

/// The response to a batch that was read.
pub(super) fn answered(answer: impl Serialize) -> Response<Body> {
    let mut response = Json(answer).into_response();
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        let body = self.body();
        refused(&self, body.retry_after_ms, body)
    }
}

/// The response to a request that is refused as a whole, in whatever form the sender knows; `wait_ms` as the body has it.
pub(super) fn refused(refused: &Refused, wait_ms: Option<u64>, body: impl Serialize) -> Response<Body> {
    let mut response = (refused.status(), [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
    if let Some(wait_ms) = wait_ms {
        // Whole seconds (RFC 9110, section 10.2.3), rounded up so that nobody comes too early.
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
    }
    if let Refused::RateLimited { quota, .. } = refused {
        say_quota(response.headers_mut(), quota);
    }
    response
}

/// When an answer that was stored in part may be asked for again: at least a second, since what has no time of its own is
/// tried again soon.
pub(super) fn retry_after(answer: &Answer) -> HeaderValue {
    HeaderValue::from(answer.retry_after_ms.unwrap_or(1000).div_ceil(1000))
}

/// Says what is left of a limit. `X-RateLimit-Reset` counts seconds from now, so that no clocks have to agree.
pub(super) fn say_quota(headers: &mut HeaderMap, quota: &Quota) {
    let reset = quota.reset_ns.div_ceil(1_000_000_000);
    headers.insert(RATE_LIMIT, HeaderValue::from(quota.limit));
    headers.insert(RATE_REMAINING, HeaderValue::from(quota.remaining));
    headers.insert(RATE_RESET, HeaderValue::from(reset));
}

/// There is nothing at that path.
pub(super) async fn not_found(_: Uri) -> Refused {
    Refused::NotFound
}

/// The path is there, for another method.
pub(super) async fn method_not_allowed(method: Method) -> Refused {
    Refused::MethodNotAllowed(method.to_string())
}

/// What a request gets whose handler panicked.
pub(super) fn panicked() -> Response<Body> {
    tracing::error!("a request handler panicked; the panic's own words are above");
    Refused::Internal.into_response()
}
