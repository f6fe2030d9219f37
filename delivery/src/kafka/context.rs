//! What librdkafka calls back into: delivery reports, errors, log lines.
//! It only passes them on, each to the part that keeps that knowledge.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, NoCustomPartitioner, ProducerContext};

use super::failure::{TIMED_OUT, record_failure};
use super::in_flight::{InFlight, Ticket};
use super::probe::Outlook;
use crate::receipt::Position;

/// The context of the producer.
#[derive(Debug)]
pub(super) struct ReportContext {
    pub(super) in_flight: Arc<InFlight>,
    pub(super) outlook: Arc<Outlook>,
}

impl ClientContext for ReportContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{reason}");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.outlook.note_all_brokers_down(),
            _ => self.outlook.note_error(reason),
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for ReportContext {
    type DeliveryOpaque = usize;

    fn delivery(&self, report: &DeliveryResult<'_>, opaque: usize) {
        let result = match report {
            Ok(message) => Ok(Position { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => {
                let mut failure = record_failure(error);
                if failure.code == TIMED_OUT {
                    failure.reason = self.outlook.cause_of_delay();
                    self.outlook.look_again();
                }
                Err(failure)
            }
        };
        if self.in_flight.settle(Ticket::from_opaque(opaque), result) {
            self.outlook.note_stored();
        }
    }
}

/// The context of a client that only asks something.
#[derive(Debug)]
pub(super) struct AskContext;

impl ClientContext for AskContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{reason}");
    }
}

/// librdkafka repeats itself at each attempt to connect, so its lines are for whoever turns them on; what an
/// operator must know is said once, when the readiness changes.
fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
    }
}
