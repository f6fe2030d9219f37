//! `POST /v1/events`: takes a batch and answers when its events are durable (`docs/wire.md`).
//! The way of the batch is `Edge::take`.

use super::answer::answered;
use super::take::take;
use crate::decode::Shape;
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;

/// Takes a batch, an event, or an array of events.
pub(super) async fn events(
    State(edge): State<Arc<Edge>>,
    request: Request,
) -> Result<Response<Body>, Refused> {
    take(&edge, Shape::Events, request).await.map(answered)
}
