//! The producer: one produce call a record, a polling thread for the reports, one wake-up a batch.
//! The counting down is `in_flight`'s, readiness is `probe`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord};

use super::config::{config_error, producer_config};
use super::context::ReportContext;
use super::failure::record_failure;
use super::in_flight::InFlight;
use super::probe::{Outlook, Probe};
use super::settings::KafkaSettings;
use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::readiness::Readiness;
use crate::record::{Batch, Header, Stream};

const THREAD: &str = "footfall-kafka-poll";

/// How often callers that have waited too long are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct KafkaSink {
    producer: Arc<BaseProducer<ReportContext>>,
    in_flight: Arc<InFlight>,
    outlook: Arc<Outlook>,
    stopped: Arc<AtomicBool>,
    topic: String,
    dead_letter_topic: String,
}

impl KafkaSink {
    /// Makes the producer. Brokers that are away are no error here: it shows in the readiness.
    pub(crate) fn open(settings: &KafkaSettings, memory_max_bytes: usize) -> Result<Self, OpenError> {
        let in_flight = Arc::new(InFlight::default());
        let outlook = Arc::new(Outlook::new(settings));
        let context = ReportContext { in_flight: Arc::clone(&in_flight), outlook: Arc::clone(&outlook) };
        let config = producer_config(settings, memory_max_bytes);
        let producer = BaseProducer::from_config_and_context(&config, context);
        let producer = Arc::new(producer.map_err(|error| match error {
            KafkaError::ClientConfig(..) => config_error(&error).into(),
            other => OpenError::Kafka { reason: other.to_string() },
        })?);
        let stopped = Arc::new(AtomicBool::new(false));
        let (topic, dead_letter_topic) = (settings.topic.clone(), settings.dead_letter_topic());
        let sink = Self { producer, in_flight, outlook, stopped, topic, dead_letter_topic };
        sink.start_polling(settings.request_timeout)?;
        Probe::start(Arc::clone(&sink.producer), Arc::clone(&sink.outlook), settings.clone())?;
        Ok(sink)
    }

    fn start_polling(&self, request_timeout: Duration) -> Result<(), OpenError> {
        let producer = Arc::clone(&self.producer);
        let in_flight = Arc::clone(&self.in_flight);
        let outlook = Arc::clone(&self.outlook);
        let stopped = Arc::clone(&self.stopped);
        let poll = move || {
            let _last = Unattended { in_flight: &in_flight, outlook: &outlook };
            while !stopped.load(Ordering::Acquire) {
                producer.poll(SWEEP_INTERVAL);
                if in_flight.answer_overdue(request_timeout, || outlook.cause_of_delay()) {
                    outlook.look_again();
                }
            }
        };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(poll)
            .map(drop)
            .map_err(|source| OpenError::Thread { name: THREAD, source })
    }

    /// Hands every record to librdkafka, which copies it; never blocks.
    pub(crate) fn submit(&self, batch: &Batch, completion: Completion) {
        let slot = match self.in_flight.insert(completion) {
            Ok(slot) => slot,
            Err(completion) => return completion.complete(Err(DeliveryError::Closed)),
        };
        let topic = match batch.stream() {
            Stream::Events => &self.topic,
            Stream::DeadLetters => &self.dead_letter_topic,
        };
        for (index, record) in batch.records().iter().enumerate() {
            let ticket = InFlight::ticket(slot, index);
            let kafka_record = BaseRecord {
                topic: topic.as_str(),
                partition: None,
                payload: Some(record.payload.as_ref()),
                key: record.key.as_deref(),
                timestamp: None,
                headers: kafka_headers(&record.headers),
                delivery_opaque: ticket.to_opaque(),
            };
            if let Err((error, _)) = self.producer.send(kafka_record) {
                self.in_flight.settle(ticket, Err(record_failure(&error)));
            }
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.outlook.health.readiness()
    }

    /// Takes no more and waits for the acknowledgements; gives how many records have none at the deadline.
    pub(crate) fn close(&self, deadline: Duration) -> usize {
        let unsettled = self.in_flight.close(deadline);
        self.outlook.stop();
        self.stopped.store(true, Ordering::Release);
        unsettled
    }
}

impl Drop for KafkaSink {
    /// The threads end by themselves; the last of them drops the producer.
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

/// However the polling ends, nobody is left waiting for a report that no one reads.
struct Unattended<'a> {
    in_flight: &'a InFlight,
    outlook: &'a Outlook,
}

impl Drop for Unattended<'_> {
    fn drop(&mut self) {
        self.in_flight.close(Duration::ZERO);
        self.outlook.stop();
    }
}

fn kafka_headers(headers: &[Header]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(empty, |all, header| {
        all.insert(KafkaHeader { key: &header.name, value: Some(header.value.as_ref()) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_librdkafka_refuses_only_when_a_client_is_made_is_told_in_words() {
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        settings.properties.insert("retries".into(), "0".into());
        let Err(error) = KafkaSink::open(&settings, 64 << 20) else { panic!("it was opened") };
        assert!(error.to_string().contains("`retries` must be"), "{error}");
    }
}
