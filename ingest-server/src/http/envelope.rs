//! What every answer carries, whoever made it: a request id, the rate limit's state, and headers that keep a browser
//! from making more of an answer than it is. The handlers know nothing of it but where they log.

use super::answer::say_quota;
use crate::admit::Quota;
use crate::distinct::{distinct, hex};
use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use axum::middleware::Next;
use std::sync::{Arc, OnceLock};
use tower::{Service, service_fn};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Bytes of a request id that is taken over.
const ID_BYTES: usize = 128;

/// What is known of a request outside its handler.
#[derive(Debug, Clone)]
pub(super) struct Envelope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    request_id: HeaderValue,
    quota: OnceLock<Quota>,
}

impl Envelope {
    /// The id, as text.
    pub(super) fn request_id(&self) -> &str {
        self.0.request_id.to_str().unwrap_or_default()
    }

    /// Where the step that counts leaves what is left.
    pub(super) fn quota(&self) -> &OnceLock<Quota> {
        &self.0.quota
    }
}

/// Wraps the public routes. Any page may time its requests here (W3C Resource Timing, section 4.5): what it learns is
/// how long its own beacon took.
pub(super) fn public<S, I, O>(
    mut routes: S,
) -> impl Service<Request<I>, Response = Response<O>, Error = S::Error, Future: Send> + Clone
where
    S: Service<Request<I>, Response = Response<O>, Future: Send> + Clone,
{
    service_fn(move |mut request: Request<I>| {
        let envelope = open(&mut request);
        let answering = routes.call(request);
        async move {
            let mut response = answering.await?;
            let headers = response.headers_mut();
            if let Some(quota) = envelope.0.quota.get() {
                say_quota(headers, quota);
            }
            headers.insert(TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            Ok(close(envelope, response))
        }
    })
}

/// Wraps the private routes: what is shown there may be in somebody's browser, beside other pages.
pub(super) async fn admin(mut request: Request<Body>, next: Next) -> Response<Body> {
    let envelope = open(&mut request);
    let mut response = next.run(request).await;
    response.headers_mut().entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ));
    close(envelope, response)
}

fn open<I>(request: &mut Request<I>) -> Envelope {
    let request_id = taken_over(request.headers()).unwrap_or_else(made);
    let envelope = Envelope(Arc::new(Inner { request_id, quota: OnceLock::new() }));
    request.extensions_mut().insert(envelope.clone());
    envelope
}

fn close<O>(envelope: Envelope, mut response: Response<O>) -> Response<O> {
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request_id = envelope.request_id(), "answered 500; the cause stands above");
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(REQUEST_ID, envelope.0.request_id.clone());
    response
}

/// The sender's own id, where it is short and has nothing in it that could write a log line of its own.
fn taken_over(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(&REQUEST_ID)?;
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let bytes = value.as_bytes();
    (!bytes.is_empty() && bytes.len() <= ID_BYTES && bytes.iter().all(fits)).then(|| value.clone())
}

fn made() -> HeaderValue {
    HeaderValue::from_bytes(&hex(distinct())).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_sane_id_is_taken_over_and_any_other_is_not() {
        let of = |id: &str| {
            let headers =
                HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap())]);
            taken_over(&headers).is_some()
        };
        assert!(
            of("7b3bf470-9456-11ee-b9d1-0242ac120002") && of("Root=1-67891233:abc") && of(&"x".repeat(128))
        );
        for id in ["", "a b", "a\tb", "ä", "\"", "a;b", &"x".repeat(129)] {
            assert!(!of(id), "{id:?}");
        }
        assert!(taken_over(&HeaderMap::new()).is_none());
    }

    #[test]
    fn made_ids_are_different() {
        let ids: BTreeSet<_> = (0..1000).map(|_| made().to_str().unwrap().to_owned()).collect();
        assert!(ids.len() == 1000 && ids.iter().all(|id| id.len() == 16));
    }
}
