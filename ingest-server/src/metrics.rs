//! Every metric of the server, named in one place, in the OpenMetrics text form.
//! What counts is decided by the steps that count; delivery's own figures are read when somebody asks.

use footfall_delivery::DeliveryStats;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

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
    ready: Gauge,
    waiting_bytes: Gauge,
    waiting_records: Gauge,
    journal_bytes: Gauge,
    journal_max_bytes: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("footfall");
        let (requests, events) = (Family::default(), Family::default());
        let (received_bytes, unknown_fields) = (Counter::default(), Counter::default());
        let (ready, waiting_bytes, waiting_records) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "requests",
            "Requests to POST /v1/events by the code of their answer",
            requests.clone(),
        );
        registry.register("events", "Events by what became of them", events.clone());
        let help = "Bodies of requests as they came, before decompression";
        registry.register_with_unit("received", help, Unit::Bytes, received_bytes.clone());
        registry.register(
            "unknown_fields",
            "Fields ignored because they are not known",
            unknown_fields.clone(),
        );
        registry.register("ready", "1 while records can be made durable, else 0", ready.clone());
        let (journal_bytes, journal_max_bytes) = (Gauge::default(), Gauge::default());
        let help = "The journal's rows and indexes on disk; 0 where Kafka is the store";
        registry.register_with_unit("journal_used", help, Unit::Bytes, journal_bytes.clone());
        let help = "What the journal may take; beyond it 503 journal_full";
        registry.register_with_unit("journal_max", help, Unit::Bytes, journal_max_bytes.clone());
        let help = "Records on their way to the store that are not durable yet";
        registry.register_with_unit("waiting", help, Unit::Bytes, waiting_bytes.clone());
        registry.register("waiting_records", help, waiting_records.clone());
        Self {
            registry,
            requests,
            events,
            received_bytes,
            unknown_fields,
            ready,
            waiting_bytes,
            waiting_records,
            journal_bytes,
            journal_max_bytes,
        }
    }
}

impl Metrics {
    /// Counts one answered request.
    pub fn count_answer(&self, answer: &footfall_event_model::Answer) {
        let code = if answer.code == "ok" { "ok" } else { "partial" };
        self.requests.get_or_create(&RequestLabels { code }).inc();
        self.unknown_fields.inc_by(u64::from(answer.unknown_fields));
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
    }

    /// Counts one refused request.
    pub fn count_refusal(&self, code: &'static str) {
        self.requests.get_or_create(&RequestLabels { code }).inc();
    }

    /// All metrics as text (OpenMetrics 1.0).
    ///
    /// # Errors
    /// [`fmt::Error`] where a metric cannot be written.
    pub fn text(&self, ready: bool, delivery: &DeliveryStats) -> Result<String, fmt::Error> {
        self.ready.set(i64::from(ready));
        self.waiting_bytes.set(delivery.memory_bytes as i64);
        self.waiting_records.set(delivery.memory_records as i64);
        let journal = delivery.journal.unwrap_or_default();
        self.journal_bytes.set(journal.used_bytes as i64);
        self.journal_max_bytes.set(journal.max_bytes as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
