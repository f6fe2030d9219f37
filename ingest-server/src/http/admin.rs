//! The private address: probes and metrics. The live view beside them is in `debug`.
//! What is here names no visitor, and a load balancer or a scraper must see it, so it asks for no token.

use crate::edge::Edge;
use crate::refusal::Refused;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use footfall_delivery::Readiness;
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
    edge.metrics.edge.set_in_flight(edge.requests.len(), edge.in_flight().bodies);
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
