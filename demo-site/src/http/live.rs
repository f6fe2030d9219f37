//! `GET /live`: the ingest server's stream of accepted events, passed on to the browser that they came from.
//! It holds back nothing and stores nothing: one frame is read from the server when the browser has taken the last.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use super::{Forum, extract::Query};
use crate::{BaseUrl, Error};

/// Live views that may be open at once; a further one is told to come back.
const MAX_VIEWS: usize = 128;
/// Accepted events that a newly opened view begins with.
const REPLAY: usize = 50;
/// How long the admin address may take to begin its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The longest silence of the admin address, which sends a comment now and then even without events.
const SILENCE: Duration = Duration::from_secs(60);
/// What is read ahead of a browser that is slow to take it.
const READ_AHEAD: usize = 64 * 1024;
/// The longest anonymous id, as the wire contract has it.
const MAX_ID_BYTES: usize = 256;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    anonymous_id: String,
}

/// The way to the admin address; cheap to clone.
#[derive(Clone)]
pub(super) struct Proxy {
    client: Client<HttpConnector, Empty<Bytes>>,
    admin_url: BaseUrl,
    views: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    /// Whether the last call was answered, so that an outage is logged once and not at each retry.
    reachable: Arc<AtomicBool>,
}

impl Proxy {
    pub(super) fn new(admin_url: BaseUrl, stopping: watch::Receiver<bool>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(ANSWER_WITHIN));
        // A stream ends with its connection, so there is never an idle one to keep.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(READ_AHEAD)
            .build(connector);
        let views = Arc::new(Semaphore::new(MAX_VIEWS));
        Self { client, admin_url, views, stopping, reachable: Arc::new(AtomicBool::new(true)) }
    }

    /// Asks the admin address for the events of one browser.
    async fn open(
        &self,
        anonymous_id: &str,
        last_event_id: Option<&HeaderValue>,
    ) -> Result<Incoming, String> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("anonymous_id", anonymous_id)
            .append_pair("replay", &REPLAY.to_string())
            .finish();
        let mut request = Request::get(format!("{}/debug/events?{query}", self.admin_url))
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let answer = timeout(ANSWER_WITHIN, self.client.request(request))
            .await
            .map_err(|_| format!("no answer within {} s", ANSWER_WITHIN.as_secs()))?
            .map_err(|error| with_cause(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answered {}", answer.status()));
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if !kind.starts_with(b"text/event-stream") {
            return Err("it answered with something else than an event stream".into());
        }
        Ok(answer.into_body())
    }

    /// Logs where the admin address is lost and where it is found again.
    fn note(&self, outcome: Result<(), &str>) {
        match (outcome, self.reachable.swap(outcome.is_ok(), Ordering::Relaxed)) {
            (Ok(()), false) => tracing::info!("live view: {} answers again", self.admin_url),
            (Err(reason), true) => tracing::warn!("live view: {} is not reachable: {reason}", self.admin_url),
            _ => {}
        }
    }
}

pub(super) async fn live(
    State(forum): State<Forum>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let id = asked.anonymous_id;
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Error::Unreadable(format!("anonymous_id must have 1 to {MAX_ID_BYTES} bytes")));
    }
    let last_event_id = headers.get("last-event-id");
    if last_event_id.is_some_and(|id| id.len() > 20 || !id.as_bytes().iter().all(u8::is_ascii_digit)) {
        return Err(Error::Unreadable("Last-Event-ID must be a number of at most 20 digits".into()));
    }
    let proxy = forum.live;
    let Ok(permit) = Arc::clone(&proxy.views).try_acquire_owned() else {
        return Ok(events(unavailable("all live views are taken, retrying", 5)));
    };
    match proxy.open(&id, last_event_id).await {
        Ok(upstream) => {
            proxy.note(Ok(()));
            Ok(events(passed_on(upstream, proxy.stopping, permit)))
        }
        Err(reason) => {
            proxy.note(Err(&reason));
            Ok(events(unavailable("live view not reachable, retrying", 1)))
        }
    }
}

/// A word that the server was reached, then the stream as it comes, until it ends, falls silent, or the forum stops.
/// The browser then asks again by itself, from the last event that it saw.
fn passed_on<B>(upstream: B, stopping: watch::Receiver<bool>, permit: OwnedSemaphorePermit) -> Body
where
    B: hyper::body::Body<Data = Bytes, Error: std::error::Error> + Unpin + Send + 'static,
{
    let frames = stream::unfold((upstream, stopping, permit), |(mut upstream, mut stopping, permit)| async {
        loop {
            let frame = tokio::select! {
                frame = timeout(SILENCE, upstream.frame()) => frame.ok()??,
                _ = stopping.wait_for(|stop| *stop) => return None,
            };
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => return Some((Ok::<_, Infallible>(data), (upstream, stopping, permit))),
                // Trailers mean nothing to an EventSource.
                Ok(Err(_)) => {}
                Err(error) => {
                    tracing::debug!("live view: the stream broke off: {}", with_cause(&error));
                    return None;
                }
            }
        }
    });
    let connected = stream::iter([Ok(Bytes::from_static(b"event: connected\ndata: live\n\n"))]);
    Body::from_stream(connected.chain(frames))
}

/// The error with what lies beneath it: the client's own words say no more than that connecting failed.
fn with_cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// One event that says why there is nothing to see, and when to ask again.
fn unavailable(reason: &str, retry_s: u64) -> Body {
    Body::from(format!("retry: {}\nevent: unavailable\ndata: {reason}\n\n", retry_s * 1000))
}

fn events(body: Body) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_falls_silent_is_ended_so_that_the_browser_asks_again() {
        let views = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&views).try_acquire_owned().unwrap();
        let (_stop, stopping) = watch::channel(false);
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let begin = tokio::time::Instant::now();
        let all = passed_on(silent, stopping, permit).collect().await.unwrap().to_bytes();
        assert_eq!(all, "event: connected\ndata: live\n\n");
        assert_eq!(begin.elapsed().as_secs(), SILENCE.as_secs());
        assert_eq!(views.available_permits(), 1, "the place is free for another view");
    }
}
