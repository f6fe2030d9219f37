//! What librdkafka's reports, errors and log lines are passed to.
//! It only passes them on, each to the part that keeps that knowledge.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::failure::{Refused, refused};
use super::lent::Lent;
use super::partitioning::Partitioning;
use super::statistics::Statistics;
use crate::receipt::Position;

/// The fate of one record.
#[derive(Debug)]
pub(crate) struct Report {
    /// The number that it was sent with.
    pub(crate) opaque: usize,
    pub(crate) fate: Result<Position, Refused>,
}

/// Whoever is told what becomes of records and connections. It is called where events are passed on, and must not block.
pub(crate) trait Reports: Send + Sync {
    /// What became of records, each told once. They came in one event, and mostly had one request; all of it
    /// is to be taken: what is not keeps its batch in memory.
    fn settled(&self, told: &mut dyn Iterator<Item = Report>);
    /// One connection failed, in librdkafka's words.
    fn connection_failed(&self, reason: &str);
    /// The last connection is gone.
    fn all_brokers_down(&self);
    /// Something of all this waits to be passed on, where nothing did: told by a thread that must not be held up.
    fn waiting(&self) {}
    /// How the producer is, every few seconds.
    fn statistics(&self, _told: &Statistics) {}
    /// A transaction has ended, where there are any.
    fn transaction_ended(&self, _committed: bool) {}
}

/// The context of the producer.
pub(super) struct ReportContext {
    pub(super) reports: Arc<dyn Reports>,
    /// Where partitions are chosen here, and not by librdkafka.
    pub(super) partitioning: Option<Partitioning>,
}

impl ClientContext for ReportContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level as i32, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{reason}");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.reports.all_brokers_down(),
            _ => self.reports.connection_failed(reason),
        }
    }

    fn stats_raw(&self, text: &[u8]) {
        match serde_json::from_slice(text) {
            Ok(told) => self.reports.statistics(&told),
            Err(error) => tracing::warn!("librdkafka's statistics cannot be read: {error}"),
        }
    }
}

impl ProducerContext<Partitioning> for ReportContext {
    type DeliveryOpaque = Lent;

    fn get_custom_partitioner(&self) -> Option<&Partitioning> {
        self.partitioning.as_ref()
    }

    /// Only while the binding drops a producer; before, whole events are passed on.
    fn delivery(&self, report: &DeliveryResult<'_>, lent: Lent) {
        let (error, message) = match report {
            Ok(message) => (None, message),
            Err((error, message)) => (Some(error), message),
        };
        let fate = fate(error, message.partition(), message.offset());
        self.reports.settled(&mut std::iter::once(Report { opaque: lent.number(), fate }));
    }
}

/// The context of a client that only asks something.
#[derive(Debug)]
pub(super) struct AskContext;

impl ClientContext for AskContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level as i32, facility, message);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{reason}");
    }
}

impl ConsumerContext for AskContext {}

/// librdkafka repeats itself at each attempt to connect and at each request without an answer, so its lines are for whoever
/// turns them on; what an operator must know is said once, when the state changes, in librdkafka's last words.
/// The level is syslog's (RFC 5424, section 6.2.1).
pub(super) fn log(level: i32, facility: &str, message: &str) {
    if level <= RDKafkaLogLevel::Critical as i32 {
        tracing::error!(target: "librdkafka", facility, "{message}");
    } else {
        tracing::debug!(target: "librdkafka", facility, "{message}");
    }
}

/// What became of a record, by what librdkafka says of it.
pub(super) fn fate(error: Option<&KafkaError>, partition: i32, offset: i64) -> Result<Position, Refused> {
    error.map_or(Ok(Position { partition, offset }), |error| Err(refused(error)))
}
