//! `POST /v1/events`: takes a batch and answers when its events are durable, or `202` where at-most-once is promised
//! (`docs/wire.md`).
//! The way of the batch is `Edge::take`.

use super::answer::answered;
use super::take::take;
use crate::decode::Shape;
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use std::sync::Arc;

/// Takes a batch, an event, or an array of events.
pub(super) async fn events(
    State(edge): State<Arc<Edge>>,
    request: Request,
) -> Result<Response<Body>, Refused> {
    let answer = take(&edge, Shape::Events, request).await?;
    // RFC 9110, section 15.3.3: taken, and not done.
    let status = if edge.is_early(&answer) { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut response = answered(answer);
    *response.status_mut() = status;
    Ok(response)
}
