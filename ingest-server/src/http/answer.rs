//! From an answer or a refusal to an HTTP response: always JSON, never cached.
//! What a script must know stands in the body as well, since it may not see the headers.

use crate::refusal::Refused;
use axum::Json;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, Method, Response, Uri};
use axum::response::IntoResponse;
use serde::Serialize;
use std::any::Any;

/// The response to a batch that was read.
pub(super) fn answered(answer: impl Serialize) -> Response<Body> {
    ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        let mut response = (self.status(), [(CACHE_CONTROL, "no-store")], Json(self.body())).into_response();
        if let Some(wait) = self.retry_after() {
            // Whole seconds (RFC 9110, section 10.2.3), rounded up so that nobody comes too early.
            let seconds = wait.as_millis().div_ceil(1000) as u64;
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// There is nothing at that path.
pub(super) async fn not_found(_: Uri) -> Refused {
    Refused::NotFound
}

/// The path is there, for another method.
pub(super) async fn method_not_allowed(method: Method) -> Refused {
    Refused::MethodNotAllowed(method.to_string())
}

/// A panic costs its own request an honest answer, and nothing else.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response<Body> {
    tracing::error!("a request handler panicked; the panic's own words are above");
    Refused::Internal.into_response()
}
