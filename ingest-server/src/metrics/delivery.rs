//! The metrics of delivery: where events go now, what waits in the journal, and what came of it.
//! They are read from delivery's own counts when somebody asks.

use super::from_zero;
use footfall_delivery::{DeliveryStats, KafkaState, ProducerStats};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::{AtomicU64, Ordering};

/// A state that delivery may be in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// Kafka, and the journal while Kafka is away.
#[derive(Debug, Default)]
pub(super) struct DeliveryMetrics {
    state: Family<StateLabels, Gauge>,
    changes: Counter,
    oldest_seconds: Gauge<f64, AtomicU64>,
    waiting_rows: Gauge,
    drained: Counter,
    late: Counter,
    possible_duplicates: Counter,
    set_aside: Counter,
    damaged_rows: Counter,
    expired_rows: Counter,
    lost: Counter,
    transactions: Family<ResultLabels, Counter>,
    producer: ProducerMetrics,
}

/// What librdkafka tells of itself.
#[derive(Debug, Default)]
struct ProducerMetrics {
    records: Gauge,
    bytes: Gauge,
    retries: Counter,
    round_trip: Family<QuantileLabels, Gauge<f64, AtomicU64>>,
}

/// Which share of what was measured keeps to a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuantileLabels {
    quantile: &'static str,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

impl DeliveryMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        let help = "1 for the state that Kafka is in, else 0; all 0 where none is set";
        registry.register("kafka_state", help, all.state.clone());
        registry.register("kafka_state_changes", "Changes of that state", all.changes.clone());
        let help = "How long the oldest event waits that was handed to Kafka";
        registry.register_with_unit(
            "kafka_oldest_unacknowledged",
            help,
            Unit::Seconds,
            all.oldest_seconds.clone(),
        );
        registry.register(
            "journal_waiting_rows",
            "Rows of the journal that wait for Kafka",
            all.waiting_rows.clone(),
        );
        registry.register(
            "journal_drained",
            "Events that went from the journal to Kafka",
            all.drained.clone(),
        );
        let help = "Events copied to the journal that Kafka acknowledged after all";
        registry.register("kafka_late_acknowledgements", help, all.late.clone());
        let help = "Events that may stand in Kafka twice; consumers tell them by ce_id";
        registry.register("kafka_possible_duplicates", help, all.possible_duplicates.clone());
        let help = "Events that Kafka refused for good, kept as dead letters";
        registry.register("kafka_set_aside", help, all.set_aside.clone());
        registry.register(
            "journal_damaged_rows",
            "Rows of the journal that did not fit their checksum or cannot be read",
            all.damaged_rows.clone(),
        );
        let help = "Events that were answered and then not stored, as at-most-once allows";
        registry.register("kafka_lost", help, all.lost.clone());
        let help =
            "Transactions by how they ended: committed, or aborted, which sends events through the journal";
        registry.register("kafka_transactions", help, all.transactions.clone());
        from_zero(&all.transactions, ["committed", "aborted"].map(|result| ResultLabels { result }));
        all.producer.register(registry);
        registry.register("journal_expired_rows", "Events that went by retention", all.expired_rows.clone());
        all
    }

    pub(super) fn set(&self, stats: &DeliveryStats) {
        self.expired_rows.inner().store(stats.journal.expired_rows, Ordering::Relaxed);
        self.damaged_rows.inner().store(stats.journal.damaged_rows, Ordering::Relaxed);
        let Some(kafka) = &stats.kafka else { return };
        for state in [KafkaState::Away, KafkaState::Recovering, KafkaState::Healthy] {
            let is = i64::from(state == kafka.state);
            self.state.get_or_create(&StateLabels { state: state.as_str() }).set(is);
        }
        self.oldest_seconds.set(kafka.oldest_unacknowledged.as_secs_f64());
        self.producer.set(&kafka.producer);
        self.waiting_rows.set(kafka.waiting_rows as i64);
        for (counter, total) in [
            (&self.changes, kafka.changes),
            (&self.drained, kafka.drained_records),
            (&self.late, kafka.late_acknowledgements),
            (&self.possible_duplicates, kafka.possible_duplicates),
            (&self.set_aside, kafka.set_aside_records),
            (&self.lost, kafka.lost_records),
        ] {
            counter.inner().store(total, Ordering::Relaxed);
        }
        for (result, total) in
            [("committed", kafka.committed_transactions), ("aborted", kafka.aborted_transactions)]
        {
            let counter = self.transactions.get_or_create(&ResultLabels { result });
            counter.inner().store(total, Ordering::Relaxed);
        }
    }
}

impl ProducerMetrics {
    fn register(&self, registry: &mut Registry) {
        let help = "Events that librdkafka holds, those under way included";
        registry.register("kafka_producer_records", help, self.records.clone());
        let help = "Bytes of their keys and values";
        registry.register_with_unit("kafka_producer", help, Unit::Bytes, self.bytes.clone());
        let help = "Requests to Kafka that were sent again";
        registry.register("kafka_producer_retries", help, self.retries.clone());
        let help = "From a request to the slowest broker to its answer";
        registry.register_with_unit("kafka_round_trip", help, Unit::Seconds, self.round_trip.clone());
    }

    fn set(&self, producer: &ProducerStats) {
        self.records.set(producer.records as i64);
        self.bytes.set(producer.bytes as i64);
        self.retries.inner().store(producer.retries, Ordering::Relaxed);
        for (quantile, time) in [("0.5", producer.round_trip.p50), ("0.99", producer.round_trip.p99)] {
            self.round_trip.get_or_create(&QuantileLabels { quantile }).set(time.as_secs_f64());
        }
    }
}
