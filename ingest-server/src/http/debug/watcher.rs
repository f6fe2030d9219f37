//! One open live view: what it wants to see, and the stream of that.
//! It holds no event but the next one, so that a watcher who does not read costs a number.

use crate::edge::Edge;
use crate::live::{LiveEvent, Numbered};
use axum::response::sse::Event;
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// What a watcher wants to see.
#[derive(Debug, Deserialize)]
pub(super) struct Watch {
    /// Only this site's events.
    pub(super) write_key: Option<String>,
    /// Only this browser's events; requests that were refused as a whole are nobody's.
    anonymous_id: Option<String>,
    /// How many of the events that are kept to show first.
    #[serde(default)]
    pub(super) replay: usize,
}

impl Watch {
    pub(super) fn wants(&self, event: &LiveEvent) -> bool {
        self.write_key.as_deref().is_none_or(|key| *event.write_key == *key)
            && (self.anonymous_id.is_none() || event.anonymous_id.as_deref() == self.anonymous_id.as_deref())
    }
}

/// One open live view.
pub(super) struct Watcher {
    edge: Arc<Edge>,
    watch: Watch,
    /// The number of the last event that it has seen.
    after: u64,
    /// An event that stands behind the word of those that were missed.
    waiting: Option<Numbered>,
    news: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    pub(super) fn new(
        edge: Arc<Edge>,
        watch: Watch,
        after: u64,
        news: watch::Receiver<u64>,
        stopping: watch::Receiver<bool>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { edge, watch, after, waiting: None, news, stopping, _place: place }
    }

    pub(super) fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut watcher| async move { Some((Ok(watcher.next().await?), watcher)) })
    }

    /// The next thing to show; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((number, event)) = self.waiting.take() {
                return Some(shown(number, &event));
            }
            match self.edge.live.next(self.after) {
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
                        return Some(shown(number, &event));
                    }
                }
                None => tokio::select! {
                    _ = self.news.changed() => {}
                    _ = self.stopping.changed() => return None,
                },
            }
        }
    }
}

fn shown(number: u64, event: &LiveEvent) -> Event {
    let data = String::from_utf8_lossy(&event.data);
    Event::default().id(number.to_string()).event(event.kind.as_str()).data(data)
}
