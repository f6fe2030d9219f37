//! The window of event ids, in figures that are read when somebody asks.
//! How many events were copies stands with what became of events.

use crate::event_ids::EventIdStats;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::Ordering;

#[derive(Debug)]
pub(super) struct EventIdMetrics {
    ids: Gauge,
    max: Gauge,
    evicted: Counter,
}

impl EventIdMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let made = Self { ids: Gauge::default(), max: Gauge::default(), evicted: Counter::default() };
        registry.register("event_ids", "Event ids in memory", made.ids.clone());
        registry.register(
            "event_ids_max",
            "Event ids that the memory can hold; then the oldest go",
            made.max.clone(),
        );
        registry.register("event_ids_evicted", "Event ids given up for newer ones", made.evicted.clone());
        made
    }

    pub(super) fn set(&self, stats: &EventIdStats) {
        self.ids.set(stats.ids as i64);
        self.max.set(stats.max_ids as i64);
        self.evicted.inner().store(stats.evicted, Ordering::Relaxed);
    }
}
