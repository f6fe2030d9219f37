//! The producer: one call a record, which never blocks; its reports come where it is polled.
//! It gives no record up by itself for want of time: a record that is given up in flight may be stored all the same.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};

use super::config::{config_error, producer_config};
use super::context::{ReportContext, Reports};
use super::failure::{Refused, refused};
use super::partitioning::Partitioning;
use super::security::files_now;
use super::settings::KafkaSettings;
use crate::error::OpenError;
use crate::record::{Header, Record, Stream};

pub(crate) struct Producer {
    pub(super) inner: BaseProducer<ReportContext, Partitioning>,
    topic: String,
    dead_letter_topic: String,
    /// The most bytes of one produce batch.
    batch_max_bytes: usize,
    /// What the files held that it was made with, as `files_now` tells it.
    files: u64,
}

impl Producer {
    /// Makes the producer; brokers that are away are no error here.
    pub(crate) fn open(
        settings: &KafkaSettings,
        memory_max_bytes: usize,
        batch_max_bytes: Option<usize>,
        reports: Arc<dyn Reports>,
    ) -> Result<Self, OpenError> {
        // First, so that a change in between is seen as one.
        let files = files_now(settings);
        let config = producer_config(settings, memory_max_bytes, batch_max_bytes);
        let batch_max_bytes = batch_max_bytes.unwrap_or(usize::MAX).min(settings.batch_bytes);
        let inner = BaseProducer::from_config_and_context(
            &config,
            ReportContext { reports, partitioning: Partitioning::of(settings) },
        );
        let inner = inner.map_err(|error| match error {
            KafkaError::ClientConfig(..) => config_error(&error).into(),
            other => OpenError::Kafka { reason: other.to_string() },
        })?;
        let (topic, dead_letter_topic) = (settings.topic.clone(), settings.dead_letter_topic());
        Ok(Self { inner, topic, dead_letter_topic, batch_max_bytes, files })
    }

    pub(crate) fn batch_max_bytes(&self) -> usize {
        self.batch_max_bytes
    }

    /// Whether a secret or a certificate that it was made with has changed.
    pub(crate) fn is_outdated(&self, settings: &KafkaSettings) -> bool {
        self.files != files_now(settings)
    }

    /// Hands a record to librdkafka, which copies it; its fate is reported under `opaque`, unless it is told at once.
    pub(crate) fn send(&self, stream: Stream, record: &Record, opaque: usize) -> Result<(), Refused> {
        let topic = match (stream, &record.topic) {
            (Stream::Events, Some(topic)) => topic,
            (Stream::Events, None) => self.topic.as_str(),
            (Stream::DeadLetters, _) => self.dead_letter_topic.as_str(),
        };
        let record = BaseRecord {
            topic,
            partition: None,
            payload: Some(record.payload.as_ref()),
            key: record.key.as_deref(),
            timestamp: None,
            headers: kafka_headers(&record.headers),
            delivery_opaque: opaque,
        };
        self.inner.send(record).map_err(|(error, _)| refused(&error))
    }

    /// Waits for reports at most so long, and passes them on.
    pub(crate) fn poll(&self, at_most: Duration) {
        self.inner.poll(at_most);
    }

    /// Takes back what was not sent yet; each record is reported as given up.
    pub(crate) fn take_back(&self) {
        self.inner.purge(PurgeConfig::default().queue());
    }

    /// Why this producer can send nothing any more, in librdkafka's words.
    pub(crate) fn fatal_error(&self) -> Option<String> {
        self.inner.client().fatal_error().map(|(code, words)| format!("{code}: {words}"))
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
