//! `POST /v1/events`: takes a batch and answers when its events are durable (`docs/wire.md`).
//! The way of the batch is `Edge::take`; here it is counted and answered.

use super::answer::answered;
use super::transport::Peer;
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;

/// Takes a batch, to its end even where the sender does not wait for the answer.
pub(super) async fn events(
    State(edge): State<Arc<Edge>>,
    request: Request,
) -> Result<Response<Body>, Refused> {
    let taking = edge.requests.spawn(take(Arc::clone(&edge), request));
    taking.await.unwrap_or_else(|error| {
        edge.metrics.transport.panics.inc();
        tracing::error!(%error, "a request's task failed");
        Err(Refused::Internal)
    })
}

async fn take(edge: Arc<Edge>, request: Request) -> Result<Response<Body>, Refused> {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    match edge.take(peer, &head.uri, &head.headers, body).await {
        Ok(answer) => {
            edge.metrics.count_answer(&answer);
            Ok(answered(answer))
        }
        Err(refused) => {
            edge.metrics.count_refusal(refused.code());
            tracing::debug!(code = refused.code(), reason = %refused, "refused a request");
            Err(refused)
        }
    }
}
