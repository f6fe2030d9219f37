//! Every metric of the server, named in one place, in the OpenMetrics text form.
//! What counts is decided by the steps that count; delivery's own figures are read when somebody asks.

mod batch_ids;
mod delivery;
mod edge;
mod event_ids;
mod geo;
mod protect;
mod redis;
mod steps;
mod store;
mod transport;

use batch_ids::BatchIdMetrics;
use delivery::DeliveryMetrics;
pub use edge::EdgeMetrics;
use event_ids::EventIdMetrics;
pub use geo::GeoMetrics;
pub use protect::ProtectMetrics;
pub use redis::RedisMetrics;
pub use steps::{StepClock, StepTimes, Timed};
use store::StoreMetrics;
pub use transport::TransportMetrics;

use crate::check::PlanCounts;
use crate::event_ids::EventIdStats;
use crate::letters::LetterCounts;
use crate::receipts::ReceiptStats;
use crate::refusal::Refused;
use footfall_delivery::DeliveryStats;
use footfall_event_model::ReceiptStatus;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::hash::Hash;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `ok`, `partial` or the code of the refusal.
    pub code: &'static str,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventLabels {
    /// `accepted`, `duplicate`, `invalid`, `dropped` or `retry`.
    pub status: &'static str,
}

/// What was said of a batch that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReceiptLabels {
    /// `stored`, `unseen` or `expired`.
    pub status: &'static str,
}

/// The most events that one batch can add to those that senders say they dropped: it is only a sender's word.
const DROPPED_BY_ONE_SENDER: u32 = 100_000;

/// The metrics.
pub struct Metrics {
    registry: Registry,
    /// Requests to `POST /v1/events`.
    pub requests: Family<RequestLabels, Counter>,
    /// Events in them.
    pub events: Family<EventLabels, Counter>,
    /// Bytes of bodies as they came.
    pub received_bytes: Counter,
    /// Fields that the wire form does not know.
    pub unknown_fields: Counter,
    /// Batches that were stored before, as a whole.
    pub duplicate_batches: Counter,
    /// Violations of tracking plans.
    pub plan: PlanCounts,
    /// Dead letters.
    pub letters: LetterCounts,
    /// The databases of places.
    pub geo: GeoMetrics,
    /// What protects the server.
    pub protect: ProtectMetrics,
    /// How long each step takes.
    pub steps: StepTimes,
    /// What is refused and in flight.
    pub edge: EdgeMetrics,
    /// User agents that were known.
    pub user_agent_hits: Counter,
    /// User agents that had to be read.
    pub user_agent_misses: Counter,
    events_dropped_by_senders: Counter,
    receipts: Family<ReceiptLabels, Counter>,
    /// What becomes of connections.
    pub transport: TransportMetrics,
    event_ids: EventIdMetrics,
    /// Redis, where servers share through one.
    pub redis: RedisMetrics,
    delivery: DeliveryMetrics,
    batch_ids: BatchIdMetrics,
    store: StoreMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("footfall");
        let (requests, events) = (Family::default(), Family::default());
        let (received_bytes, unknown_fields) = (Counter::default(), Counter::default());
        registry.register("requests", "Requests with events by the code of their answer", requests.clone());
        registry.register("events", "Events by what became of them", events.clone());
        from_zero(&requests, ["ok", "partial"].map(|code| RequestLabels { code }));
        let statuses = ["accepted", "duplicate", "invalid", "dropped", "retry"];
        from_zero(&events, statuses.map(|status| EventLabels { status }));
        let help = "Bodies of requests as they came, before decompression";
        registry.register_with_unit("received", help, Unit::Bytes, received_bytes.clone());
        registry.register(
            "unknown_fields",
            "Fields ignored because they are not known",
            unknown_fields.clone(),
        );
        let (duplicate_batches, events_dropped_by_senders) = (Counter::default(), Counter::default());
        let help = "Batches that were stored before as a whole";
        registry.register("duplicate_batches", help, duplicate_batches.clone());
        let help = "Events that senders say they dropped at their own bound";
        registry.register("events_dropped_by_senders", help, events_dropped_by_senders.clone());
        let plan = PlanCounts::default();
        plan.register(&mut registry);
        let letters = LetterCounts::default();
        letters.register(&mut registry);
        let protect = ProtectMetrics::default();
        protect.register(&mut registry);
        let steps = StepTimes::register(&mut registry);
        let edge = EdgeMetrics::register(&mut registry);
        let (user_agent_hits, user_agent_misses) = (Counter::default(), Counter::default());
        registry.register("user_agent_hits", "User agents found in the cache", user_agent_hits.clone());
        let help = "User agents that had to be read";
        registry.register("user_agent_misses", help, user_agent_misses.clone());
        let receipts = Family::default();
        let help = "Batches that senders asked for, by what was said of them";
        registry.register("receipts", help, receipts.clone());
        from_zero(&receipts, ["stored", "unseen", "expired"].map(|status| ReceiptLabels { status }));
        let batch_ids = BatchIdMetrics::register(&mut registry);
        let event_ids = EventIdMetrics::register(&mut registry);
        let delivery = DeliveryMetrics::register(&mut registry);
        let store = StoreMetrics::register(&mut registry);
        let geo = GeoMetrics::registered(&mut registry);
        let transport = TransportMetrics::register(&mut registry);
        Self {
            registry,
            transport,
            requests,
            events,
            received_bytes,
            unknown_fields,
            duplicate_batches,
            plan,
            letters,
            geo,
            protect,
            steps,
            edge,
            user_agent_hits,
            user_agent_misses,
            events_dropped_by_senders,
            receipts,
            event_ids,
            redis: RedisMetrics::default(),
            delivery,
            batch_ids,
            store,
        }
    }
}

impl Metrics {
    /// The metrics of a server that shares with others.
    pub fn with_redis() -> Self {
        let mut metrics = Self::default();
        metrics.redis.register(&mut metrics.registry);
        metrics
    }

    /// Counts one answered request.
    pub fn count_answer(&self, answer: &footfall_event_model::Answer) {
        let code = if answer.code == "ok" { "ok" } else { "partial" };
        self.requests.get_or_create(&RequestLabels { code }).inc();
        self.unknown_fields.inc_by(u64::from(answer.unknown_fields));
        self.edge.count(answer);
        for (status, count) in [
            ("accepted", answer.accepted),
            ("duplicate", answer.duplicate),
            ("invalid", answer.invalid),
            ("dropped", answer.dropped),
            ("retry", answer.retry),
        ] {
            if count > 0 {
                self.events.get_or_create(&EventLabels { status }).inc_by(u64::from(count));
            }
        }
        for receipt in &answer.receipts {
            let status = match receipt.status {
                ReceiptStatus::Stored => "stored",
                ReceiptStatus::Unseen => "unseen",
                ReceiptStatus::Expired => "expired",
            };
            self.receipts.get_or_create(&ReceiptLabels { status }).inc();
        }
    }

    /// Counts what a sender says it dropped.
    pub fn count_dropped_by_sender(&self, events: u32) {
        self.events_dropped_by_senders.inc_by(events.min(DROPPED_BY_ONE_SENDER).into());
    }

    /// Counts one refused request.
    pub fn count_refusal(&self, refused: &Refused) {
        self.requests.get_or_create(&RequestLabels { code: refused.code() }).inc();
        self.protect.count_refusal(refused);
    }

    /// All metrics as text (OpenMetrics 1.0).
    ///
    /// # Errors
    /// [`fmt::Error`] where a metric cannot be written.
    pub fn text(
        &self,
        ready: bool,
        delivery: &DeliveryStats,
        receipts: &ReceiptStats,
        event_ids: &EventIdStats,
    ) -> Result<String, fmt::Error> {
        self.event_ids.set(event_ids);
        self.delivery.set(delivery);
        self.batch_ids.set(receipts);
        self.store.set(ready, delivery);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Begins counters at 0: for whoever reads them, one that appears with its first count has not increased.
pub(crate) fn from_zero<S: Clone + Hash + Eq>(
    family: &Family<S, Counter>,
    labels: impl IntoIterator<Item = S>,
) {
    for label in labels {
        drop(family.get_or_create(&label));
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
