//! What is told of the edge beside its answers: why events were refused, and what is in flight when somebody asks.
//! The codes are the server's own, so there are as many as its documentation names.

use footfall_event_model::{Answer, EventStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    /// The code in the event's entry.
    code: String,
}

/// What is told of the edge.
#[derive(Debug, Default)]
pub struct EdgeMetrics {
    refused: Family<RefusedLabels, Counter>,
    requests: Gauge,
    bodies: Gauge,
}

impl EdgeMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Invalid events by the code in the answer, that of the first rule which they broke";
        registry.register("events_refused", help, metrics.refused.clone());
        let help = "Requests with events that are being answered";
        registry.register("requests_in_flight", help, metrics.requests.clone());
        let help = "Room that is kept for bodies which are being read";
        registry.register_with_unit("bodies", help, Unit::Bytes, metrics.bodies.clone());
        metrics
    }

    /// Counts the invalid events of an answer.
    pub(super) fn count(&self, answer: &Answer) {
        if answer.invalid == 0 {
            return;
        }
        for entry in answer.events.iter().filter(|entry| entry.status == EventStatus::Invalid) {
            let code = entry.code.clone().unwrap_or_default();
            self.refused.get_or_create(&RefusedLabels { code }).inc();
        }
    }

    /// Notes what is in flight now: requests, and bytes of bodies.
    pub fn set_in_flight(&self, requests: usize, bodies: usize) {
        self.requests.set(requests as i64);
        self.bodies.set(bodies as i64);
    }
}
