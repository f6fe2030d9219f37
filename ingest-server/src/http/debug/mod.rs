//! `GET /debug/events`: what is accepted and refused, as it happens, as Server-Sent Events (WHATWG HTML, section 9.2).
//! It shows what visitors do, so who may watch is decided in `access`; how many may at once stands here.

mod access;
mod watcher;

use super::transport::Peer;
use crate::edge::Edge;
use crate::refusal::Refused;
use crate::secret::Secret;
use access::Denied;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use footfall_event_model::text::cut;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use watcher::{Watch, Watcher};

/// Live views open at once: each has a connection, and none holds events of its own.
const WATCHERS: usize = 256;
/// How often a quiet stream has a comment. A watcher who has gone is found out by the second one that cannot be
/// written, and the place is free again.
const STILL_HERE: Duration = Duration::from_secs(2);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Clone)]
struct Debug {
    edge: Arc<Edge>,
    token: Option<Secret>,
    places: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

/// The route of the live view.
pub(super) fn routes(edge: Arc<Edge>, token: Option<Secret>, stopping: watch::Receiver<bool>) -> Router {
    let places = Arc::new(Semaphore::new(WATCHERS));
    Router::new().route("/debug/events", get(events)).with_state(Debug { edge, token, places, stopping })
}

/// `?write_key=` narrows it to one site, `?anonymous_id=` to one browser, `?replay=` shows that many of the last ones
/// first, and a `Last-Event-ID` goes on where the watcher was.
async fn events(
    State(debug): State<Debug>,
    peer: Option<Extension<Peer>>,
    wanted: Result<Query<Watch>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let peer = peer.map(|Extension(Peer(address))| address.ip());
    access::check(debug.token.as_ref(), peer, &uri, &headers).map_err(Denied::into_response)?;
    let Query(wanted) = wanted.map_err(|error| bad_query(&error).into_response())?;
    let live = &debug.edge.live;
    if let Some(key) = wanted.write_key.as_deref().filter(|key| live.site(key).is_none()) {
        return Err(Refused::NoSuchSite(cut(key, 64).to_owned()).into_response());
    }
    let place = Arc::clone(&debug.places).try_acquire_owned();
    let place = place.map_err(|_| Denied::Full(WATCHERS).into_response())?;
    let seen = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let news = live.news();
    let after = seen.unwrap_or_else(|| live.last(wanted.replay, |event| wanted.wants(event)));
    let watcher = Watcher::new(debug.edge, wanted, after, news, debug.stopping, place);
    let stream = Sse::new(watcher.stream()).keep_alive(KeepAlive::new().interval(STILL_HERE));
    Ok(([(CACHE_CONTROL, "no-store")], stream).into_response())
}

fn bad_query(error: &QueryRejection) -> Refused {
    let value = cut(&error.body_text(), 80).to_owned();
    let right = "write_key=KEY, anonymous_id=ID or replay=NUMBER, joined by &";
    Refused::BadQuery { name: "the query", value, right }
}
