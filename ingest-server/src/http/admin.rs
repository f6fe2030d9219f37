//! The private address: probes, metrics and the live view.
//! It shows what visitors do, so it listens on loopback unless an operator says otherwise.

use crate::edge::Edge;
use crate::live::{LiveEvent, Numbered};
use crate::refusal::Refused;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use footfall_delivery::Readiness;
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::watch;

/// What the private routes need.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) edge: Arc<Edge>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 while events can be made durable, else 503 with the reason.
pub(super) async fn readyz(State(admin): State<Admin>) -> Response {
    if *admin.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready: the server is stopping\n").into_response();
    }
    if let Some(reason) = admin.edge.shared.as_ref().and_then(|shared| shared.refuses()) {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response();
    }
    match admin.edge.delivery().readiness() {
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotReady { reason } => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
        }
    }
}

/// `GET /metrics`, in the OpenMetrics text form.
pub(super) async fn metrics(State(admin): State<Admin>) -> Response {
    let ready = admin.edge.delivery().readiness() == Readiness::Ready;
    let Admin { edge, .. } = &admin;
    let (delivery, receipts) = (edge.delivery().stats(), edge.receipts.stats());
    match edge.metrics.text(ready, &delivery, &receipts, &edge.event_ids.stats()) {
        Ok(text) => {
            let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, openmetrics)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Refused::Internal.into_response()
        }
    }
}

/// What a watcher wants to see.
#[derive(Debug, Deserialize)]
pub(super) struct Watch {
    /// Only this browser's events.
    anonymous_id: Option<String>,
    /// How many of the events that are kept to show first.
    #[serde(default)]
    replay: usize,
}

/// `GET /debug/events`: accepted events as they come, as Server-Sent Events (WHATWG HTML, section 9.2).
///
/// `?anonymous_id=` narrows it to one browser, `?replay=` shows that many of the last ones first, and a
/// `Last-Event-ID` goes on where the watcher was.
pub(super) async fn debug_events(
    State(admin): State<Admin>,
    Query(watch): Query<Watch>,
    headers: HeaderMap,
) -> Response {
    let last_event_id = HeaderName::from_static("last-event-id");
    let seen = headers.get(last_event_id).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let live = &admin.edge.live;
    let news = live.news();
    let after = seen.unwrap_or_else(|| live.last(watch.replay, |event| watch.wants(event)));
    let watcher = Watcher { after, waiting: None, news, watch, admin };
    ([(CACHE_CONTROL, "no-store")], Sse::new(watcher.stream()).keep_alive(KeepAlive::default()))
        .into_response()
}

impl Watch {
    fn wants(&self, event: &LiveEvent) -> bool {
        self.anonymous_id.is_none() || event.anonymous_id == self.anonymous_id
    }
}

/// One open live view.
struct Watcher {
    /// The number of the last event that it has seen.
    after: u64,
    /// An event that stands behind the word of those that were missed.
    waiting: Option<Numbered>,
    news: watch::Receiver<u64>,
    watch: Watch,
    admin: Admin,
}

impl Watcher {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut watcher| async move { Some((Ok(watcher.next().await?), watcher)) })
    }

    /// The next thing to show; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((number, event)) = self.waiting.take() {
                return Some(accepted(number, &event));
            }
            match self.admin.edge.live.next(self.after) {
                Some(((number, event), missed)) => {
                    self.after = number;
                    let wanted = self.watch.wants(&event);
                    if missed > 0 {
                        self.waiting = wanted.then_some((number, event));
                        return Some(
                            Event::default().event("missed").data(format!("{{\"events\":{missed}}}")),
                        );
                    }
                    if wanted {
                        return Some(accepted(number, &event));
                    }
                }
                None => tokio::select! {
                    _ = self.news.changed() => {}
                    _ = self.admin.stopping.changed() => return None,
                },
            }
        }
    }
}

fn accepted(number: u64, event: &LiveEvent) -> Event {
    Event::default().id(number.to_string()).event("accepted").data(String::from_utf8_lossy(&event.record))
}
