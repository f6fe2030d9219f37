//! Whether records can be made durable, what waits for it, and how full the journal is, as it is when somebody asks.
//! What Kafka does stands beside this in `delivery`.

use footfall_delivery::DeliveryStats;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

pub(super) struct StoreMetrics {
    ready: Gauge,
    journal_bytes: Gauge,
    journal_max_bytes: Gauge,
    journal_rows: Gauge,
    waiting_bytes: Gauge,
    waiting_records: Gauge,
}

impl StoreMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (ready, waiting_bytes, waiting_records) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("ready", "1 while records can be made durable, else 0", ready.clone());
        let (journal_bytes, journal_max_bytes) = (Gauge::default(), Gauge::default());
        let help = "The journal's rows and indexes on disk";
        registry.register_with_unit("journal_used", help, Unit::Bytes, journal_bytes.clone());
        let help = "What the journal may take; beyond it 503 journal_full";
        registry.register_with_unit("journal_max", help, Unit::Bytes, journal_max_bytes.clone());
        let journal_rows = Gauge::default();
        let help = "Events that stay in the journal; those that wait for Kafka are journal_waiting_rows";
        registry.register("journal_rows", help, journal_rows.clone());
        let help = "Records on their way to the store that are not durable yet";
        registry.register_with_unit("waiting", help, Unit::Bytes, waiting_bytes.clone());
        registry.register("waiting_records", help, waiting_records.clone());
        Self { ready, journal_bytes, journal_max_bytes, journal_rows, waiting_bytes, waiting_records }
    }

    pub(super) fn set(&self, ready: bool, delivery: &DeliveryStats) {
        self.ready.set(i64::from(ready));
        self.waiting_bytes.set(delivery.memory_bytes as i64);
        self.waiting_records.set(delivery.memory_records as i64);
        self.journal_bytes.set(delivery.journal.used_bytes as i64);
        self.journal_max_bytes.set(delivery.journal.max_bytes as i64);
        self.journal_rows.set(delivery.journal.event_rows as i64);
    }
}
