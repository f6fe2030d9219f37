//! The memory of batch ids, as it is when somebody asks.
//! How long ids stay is decided in `receipts`.

use crate::receipts::ReceiptStats;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::Ordering;

pub(super) struct BatchIdMetrics {
    ids: Gauge,
    max: Gauge,
    bytes: Gauge,
    evicted: Counter,
    on_disk: Gauge,
}

impl BatchIdMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (ids, max, bytes, on_disk) =
            (Gauge::default(), Gauge::default(), Gauge::default(), Gauge::default());
        let evicted = Counter::default();
        registry.register("batch_ids", "Batch ids in memory", ids.clone());
        let help = "Batch ids that the memory can hold; then the oldest go";
        registry.register("batch_ids_max", help, max.clone());
        let help = "What the batch ids in memory take";
        registry.register_with_unit("batch_ids_used", help, Unit::Bytes, bytes.clone());
        let help = "Batch ids given up for newer ones";
        registry.register("batch_ids_evicted", help, evicted.clone());
        let help = "1 while batch ids are written to disk too, 0 once that has failed";
        registry.register("batch_ids_on_disk", help, on_disk.clone());
        Self { ids, max, bytes, evicted, on_disk }
    }

    pub(super) fn set(&self, receipts: &ReceiptStats) {
        self.ids.set(receipts.ids as i64);
        self.max.set(receipts.max_ids as i64);
        self.bytes.set(receipts.bytes as i64);
        self.on_disk.set(i64::from(receipts.on_disk));
        self.evicted.inner().store(receipts.evicted, Ordering::Relaxed);
    }
}
