//! From an HTTP request to `Edge::take` and its count, the same for all shapes of events.
//! What the sender is told, and in which form, is the part of each route.

use super::envelope::Envelope;
use super::outlive::outliving;
use super::transport::Peer;
use crate::admit;
use crate::decode::Shape;
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::extract::Request;
use footfall_event_model::Answer;
use std::sync::{Arc, OnceLock};

/// Takes a batch, to its end even where the sender does not wait for the answer.
///
/// # Errors
/// [`Refused`] where the request is refused as a whole.
pub(super) async fn take(edge: &Arc<Edge>, shape: Shape, request: Request) -> Result<Answer, Refused> {
    outliving(&edge.requests, || counted(Arc::clone(edge), shape, request)).await
}

async fn counted(edge: Arc<Edge>, shape: Shape, request: Request) -> Result<Answer, Refused> {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let envelope = head.extensions.get::<Envelope>();
    let nowhere = OnceLock::new();
    let quota = envelope.map_or(&nowhere, Envelope::quota);
    let mut site = None;
    let taken = edge.take(shape, peer, &head, body, quota, &mut site).await;
    match &taken {
        Ok(answer) => edge.metrics.count_answer(answer),
        Err(refused) => {
            edge.metrics.count_refusal(refused);
            let request_id = envelope.map_or("", Envelope::request_id);
            edge.refusals.note(request_id, refused);
            let site = site.or_else(|| edge.live.site(&admit::write_key(shape, &head.uri, &head.headers)?));
            edge.live.publish(site.and_then(|site| site.refused_batch(request_id, refused)));
        }
    }
    taken
}
