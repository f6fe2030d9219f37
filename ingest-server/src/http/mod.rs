//! The two addresses of the server: the public one for events and the SDK, the private one for its operator.
//! A file for each route; what becomes of an event is decided in `edge`, not here.

mod admin;
mod answer;
mod config;
mod debug;
mod envelope;
mod etag;
mod events;
mod outlive;
mod pixel;
mod sdk;
mod segment;
mod status;
mod take;
mod transport;

pub(crate) use transport::proxy_header;
pub use transport::{
    Front, Listener, Peer, Reason, Routes, Tls, TlsError, Trusted, UnixError, UnixSocket, listen_unix, serve,
};

use crate::edge::Edge;
use crate::metrics::Metrics;
use crate::secret::Secret;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, Method, Response, header};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may keep what changes under its name: five minutes, and a day while it asks anew.
const SHORT: &str = "public, max-age=300, stale-while-revalidate=86400";

/// The routes of the public address.
pub fn public(edge: Arc<Edge>) -> impl Routes {
    let metrics = Arc::clone(&edge.metrics);
    let routes = Router::new()
        .route("/v1/events", post(events::events))
        .route("/v1/pixel.gif", get(pixel::pixel))
        .merge(segment::routes())
        .route("/v1/config/{write_key}", get(config::config))
        .route("/sdk/{file}", get(sdk::file))
        .fallback(answer::not_found)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .with_state(edge);
    in_public(routes, metrics)
}

/// What every answer of the public address carries, that of a panic too. It is put around all routes together: a layer of
/// each one would be boxed anew at each request.
fn in_public(routes: Router, metrics: Arc<Metrics>) -> impl Routes {
    envelope::public(cors().layer(surviving(metrics).layer(routes)))
}

/// The routes of the private address; `token` opens the live view, `stopping` ends the streams that would hold up a stop.
pub fn admin(edge: Arc<Edge>, token: Option<Secret>, stopping: watch::Receiver<bool>) -> Router {
    let metrics = Arc::clone(&edge.metrics);
    let routes = Router::new()
        .route("/healthz", get(admin::healthz))
        .route("/readyz", get(admin::readyz))
        .route("/metrics", get(admin::metrics))
        .route("/status", get(status::status))
        .with_state(admin::Admin { edge: Arc::clone(&edge), stopping: stopping.clone() })
        .merge(debug::routes(edge, token, stopping))
        .fallback(answer::not_found);
    routes.layer((from_fn(envelope::admin), surviving(metrics)))
}

/// A panic costs its own request an honest answer, is counted, and hurts nothing else.
fn surviving(
    metrics: Arc<Metrics>,
) -> CatchPanicLayer<impl Fn(Box<dyn Any + Send>) -> Response<Body> + Clone + Send + Sync> {
    CatchPanicLayer::custom(move |_: Box<dyn Any + Send>| {
        metrics.transport.panics.inc();
        answer::panicked()
    })
}

/// Any page may send events, and every answer says so, errors too (W3C Fetch, "CORS protocol").
///
/// `sendBeacon` always sends in the credentials mode `include`, where a `*` would make the browser log an error for
/// each beacon. The origin is therefore repeated and credentials are allowed; the server reads no cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            HeaderName::from_static("x-write-key"),
            HeaderName::from_static("traceparent"),
            // What the browser's client of Segment sends.
            header::AUTHORIZATION,
            HeaderName::from_static("x-retry-count"),
        ])
        .expose_headers([
            header::RETRY_AFTER,
            answer::RATE_LIMIT,
            answer::RATE_REMAINING,
            answer::RATE_RESET,
            envelope::REQUEST_ID,
            pixel::CODE,
            pixel::REASON,
        ])
        .max_age(Duration::from_secs(24 * 60 * 60))
}

#[cfg(test)]
mod tests;
