//! The paths that the clients of Segment use, so that they work with another host and nothing else changed.
//! They know no results of single events: what is to be sent again makes the whole answer `503`, and copies are told by
//! their ids.

use super::answer::{self, answered};
use super::take::take;
use super::transport::Peer;
use crate::decode::Shape;
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use footfall_event_model::{Answer, EventType, text};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Each call's path, and the short one of the browser's client; in a batch each event says what it is.
const CALLS: [(Option<EventType>, [&str; 2]); 7] = [
    (None, ["/v1/batch", "/v1/b"]),
    (Some(EventType::Track), ["/v1/track", "/v1/t"]),
    (Some(EventType::Page), ["/v1/page", "/v1/p"]),
    (Some(EventType::Screen), ["/v1/screen", "/v1/s"]),
    (Some(EventType::Identify), ["/v1/identify", "/v1/i"]),
    (Some(EventType::Group), ["/v1/group", "/v1/g"]),
    (Some(EventType::Alias), ["/v1/alias", "/v1/a"]),
];
/// Bytes of a host's name (RFC 1035, section 2.3.4) and its port.
const HOST_BYTES: usize = 255 + 6;

/// The routes of Segment's clients.
pub(super) fn routes() -> Router<Arc<Edge>> {
    let mut routes = Router::new().route("/v1/projects/{write_key}/settings", get(settings));
    for (kind, paths) in CALLS {
        for path in paths {
            let taken = move |State(edge): State<Arc<Edge>>, request: Request| {
                call(edge, Shape::Segment(kind), request)
            };
            routes = routes.route(path, post(taken));
        }
    }
    routes
}

/// An answer as Segment gives it, with ours beside it.
#[derive(Serialize)]
struct Told<T> {
    success: bool,
    /// What the clients show to their developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(flatten)]
    ours: T,
}

async fn call(edge: Arc<Edge>, shape: Shape, request: Request) -> Response<Body> {
    match take(&edge, shape, request).await {
        Ok(answer) => told(answer),
        Err(refused) => {
            let body = refused.body();
            let (message, wait_ms) = (Some(body.reason.clone()), body.retry_after_ms);
            answer::refused(&refused, wait_ms, Told { success: false, message, ours: body })
        }
    }
}

/// `503` where anything is to be sent again; `400` where nothing was taken and nothing helps, so that a developer hears
/// of it; else `200`.
fn told(answer: Answer) -> Response<Body> {
    let taken = answer.accepted + answer.duplicate + answer.dropped;
    let status = match &answer {
        Answer { retry: 1.., .. } => StatusCode::SERVICE_UNAVAILABLE,
        Answer { invalid: 1.., .. } if taken == 0 => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let message = answer.events.iter().find_map(|entry| entry.reason.clone());
    let wait = answer::retry_after(&answer);
    let mut response = answered(Told { success: status == StatusCode::OK, message, ours: answer });
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, wait);
    }
    response
}

/// `GET /v1/projects/{write_key}/settings`: what the browser's client loads first. It sends events to the host that it
/// loaded this from, and to nobody else.
async fn settings(
    State(edge): State<Arc<Edge>>,
    write_key: Result<Path<String>, PathRejection>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Refused> {
    let Path(write_key) = write_key.map_err(|_| Refused::NotFound)?;
    edge.sites.capture(&write_key)?;
    let by_tls = edge.came_by_tls(peer.map(|peer| peer.0.0.ip()), &headers);
    let project = project(&write_key, host(&uri, &headers)?, protocol(by_tls, &headers));
    // It names the host, so no shared cache may give it to the pages of another.
    Ok(([(CACHE_CONTROL, "private, max-age=300")], Json(project)).into_response())
}

fn project(write_key: &str, host: &str, protocol: &str) -> Value {
    let all = json!({ "__default": { "enabled": true, "integrations": {} } });
    json!({
        "integrations": { "Segment.io": {
            "apiKey": write_key, "apiHost": format!("{host}/v1"), "protocol": protocol,
            "unbundledIntegrations": [], "addBundledMetadata": false, "maybeBundledConfigIds": {},
        } },
        "plan": { "track": all, "identify": all, "group": all },
        "edgeFunction": {}, "middlewareSettings": {}, "enabledMiddleware": {}, "remotePlugins": [],
        "metrics": { "sampleRate": 0 }, "analyticsNextEnabled": true, "legacyVideoPluginsEnabled": false,
    })
}

/// The host as the client knows it (RFC 9110, section 7.2).
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, Refused> {
    let named = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    let host = named.or(uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if host.is_empty() || host.len() > HOST_BYTES || !host.bytes().all(fits) {
        let value = text::cut(host, 80).to_owned();
        return Err(Refused::BadQuery { name: "the header Host", value, right: "the name of this server" });
    }
    Ok(host)
}

/// A page that came by TLS may send by nothing else. One that did not is sent to TLS only where a trusted proxy takes it
/// off. A client that is no page loads no settings.
fn protocol(by_tls: bool, headers: &HeaderMap) -> &'static str {
    let plain = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"http://"));
    if plain && !by_tls { "http" } else { "https" }
}
