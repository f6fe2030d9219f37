//! The headers that every answer carries: what a page may load, and how little of its address it passes on.
//! It is also the example of a Content-Security-Policy that Footfall works under.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::BaseUrl;

/// The Content-Security-Policy, made once from the address of the ingest server.
#[derive(Clone)]
pub(super) struct Policy(Option<HeaderValue>);

impl Policy {
    pub(super) fn new(ingest: &BaseUrl) -> Self {
        let ingest = ingest.origin();
        // 'wasm-unsafe-eval' lets the SDK's module be compiled; it allows no script.
        let policy = format!(
            "default-src 'none'; script-src 'self' {ingest} 'wasm-unsafe-eval'; connect-src 'self' {ingest}; \
             style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        // The parser of the address admits nothing that a header value does not.
        Self(HeaderValue::try_from(policy).ok())
    }
}

pub(super) async fn headers(State(Policy(policy)): State<Policy>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    response
}
