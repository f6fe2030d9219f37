//! The connection to the brokers, and what went wrong while it was made.
//! Topics are looked at elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::types::RDKafka;

use super::Finding;
use crate::kafka::config::client_config;
use crate::kafka::context::{AskContext, log};
use crate::kafka::settings::KafkaSettings;
use crate::kafka::words::advised;

/// How long the brokers may take for the first answer, all tries together.
const REACH: Duration = Duration::from_secs(10);

/// How long one answer may take after that.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// What is kept of what librdkafka complains about.
const MAX_COMPLAINTS: usize = 8;

pub(super) struct Cluster<'a> {
    pub(super) settings: &'a KafkaSettings,
    /// For questions that change nothing; it is polled for what goes wrong.
    client: BaseProducer<Complaints>,
    admin: AdminClient<AskContext>,
    runtime: tokio::runtime::Runtime,
    brokers: usize,
}

/// Keeps librdkafka's words about connections.
#[derive(Default)]
pub(super) struct Complaints {
    said: Mutex<Vec<(Option<RDKafkaErrorCode>, String)>>,
}

impl ClientContext for Complaints {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level as i32, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // That all are down says nothing that each has not said.
        if code != Some(RDKafkaErrorCode::AllBrokersDown) && said.len() < MAX_COMPLAINTS {
            said.push((code, reason.to_owned()));
        }
    }
}

impl ProducerContext for Complaints {
    type DeliveryOpaque = ();

    fn delivery(&self, _report: &DeliveryResult<'_>, (): ()) {}
}

impl Complaints {
    /// Words that no waiting changes: a login or a certificate that is refused.
    fn final_words(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_final = |code: &Option<RDKafkaErrorCode>| {
            matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL))
        };
        said.iter().find(|(code, _)| is_final(code)).map(|(_, words)| words.clone())
    }
}

impl<'a> Cluster<'a> {
    /// Connects and signs in.
    ///
    /// # Errors
    ///
    /// Why nobody answers, in words.
    pub(super) fn reach(settings: &'a KafkaSettings) -> Result<Self, String> {
        let mut config = client_config(settings);
        config.set("allow.auto.create.topics", "false");
        let failed =
            |error: KafkaError| format!("no Kafka client can be made: {}", advised(&error.to_string()));
        let client: BaseProducer<Complaints> =
            BaseProducer::from_config_and_context(&config, Complaints::default()).map_err(failed)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
        let brokers = settings.brokers.join(", ");
        let begun = Instant::now();
        let metadata = loop {
            let asked = client.client().fetch_metadata(Some(&settings.topic), Duration::from_millis(500));
            let words = match asked {
                Ok(metadata) => break metadata,
                Err(error) => error.to_string(),
            };
            let context = client.client().context();
            (0..MAX_COMPLAINTS).for_each(|_| client.poll(Duration::ZERO));
            if let Some(words) = context.final_words() {
                return Err(format!("the brokers at {brokers} cannot be used: {}", advised(&words)));
            }
            if begun.elapsed() > REACH {
                let said = context.said.lock().unwrap_or_else(PoisonError::into_inner);
                let words = said.last().map(|(_, words)| words.clone()).unwrap_or(words);
                return Err(format!("no Kafka broker answers at {brokers}: {}", advised(&words)));
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let brokers = metadata.brokers().len();
        let admin = AdminClient::from_config_and_context(&config, AskContext).map_err(failed)?;
        Ok(Self { settings, client, admin, runtime, brokers })
    }

    pub(super) fn described(&self) -> Finding {
        let Self { settings, brokers, .. } = self;
        let tls = if settings.tls.is_some() { "TLS" } else { "no TLS" };
        let login = settings.sasl.as_ref().map_or("no login", |sasl| sasl.mechanism());
        let words = format!("the cluster answers: {brokers} brokers, {tls}, {login}");
        match &settings.sasl {
            Some(crate::kafka::KafkaSasl::Plain(_)) if settings.tls.is_none() => {
                Finding::doubtful(format!("{words}: without TLS the password crosses the network as it is"))
            }
            _ => Finding::right(words),
        }
    }

    pub(super) fn brokers(&self) -> usize {
        self.brokers
    }

    pub(super) fn metadata(&self, topic: &str) -> Result<Metadata, KafkaError> {
        self.client.client().fetch_metadata(Some(topic), ANSWER)
    }

    /// Asks the leader of a partition where that ends.
    ///
    /// # Errors
    ///
    /// Why it does not answer, in words.
    pub(super) fn ask_leader(&self, topic: &str, partition: i32) -> Result<(), String> {
        let asked = self.client.client().fetch_watermarks(topic, partition, ANSWER);
        asked.map(drop).map_err(|error| advised(&error.to_string()))
    }

    /// librdkafka's own handle, which lives as long as this.
    pub(super) fn handle(&self) -> *mut RDKafka {
        self.client.client().native_ptr()
    }

    /// The configuration of a topic or a broker.
    pub(super) fn configuration(&self, of: ResourceSpecifier<'_>) -> Result<ConfigResource, String> {
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        let described = self.runtime.block_on(self.admin.describe_configs([&of], &options));
        let described = described.map_err(|error| error.to_string())?;
        described.into_iter().next().ok_or("no answer")?.map_err(|code| code.to_string())
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        (0..MAX_COMPLAINTS).for_each(|_| self.client.poll(Duration::ZERO));
        let said = self.client.client().context().said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words: Vec<String> = said.iter().map(|(_, words)| advised(words)).collect();
        words.dedup();
        words
    }
}
