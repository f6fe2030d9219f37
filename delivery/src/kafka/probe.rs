//! Watches from a thread of its own whether the topic can take records, and says in words why not.
//! Delivery reports and librdkafka's errors hurry it along; records themselves are produced elsewhere.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseProducer, Producer};

use super::config::client_config;
use super::context::{AskContext, ReportContext};
use super::settings::KafkaSettings;
use crate::error::OpenError;
use crate::pace::Pace;
use crate::readiness::Health;

const THREAD: &str = "footfall-kafka-probe";

/// How often a ready topic is looked at, and how long an answer may take.
const READY_INTERVAL: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long `min.insync.replicas` is believed before it is asked for again.
const REPLICAS_BELIEVED: Duration = Duration::from_secs(60);

/// What is known of the topic, shared by all that learn or tell it.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) health: Health,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last_error: Option<String>,
    look_again: bool,
    stopped: bool,
}

impl Outlook {
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        let brokers = settings.brokers.join(", ");
        let health = Health::starting("kafka", format!("no answer yet from the Kafka brokers at {brokers}"));
        Self { health, state: Mutex::default(), changed: Condvar::new() }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Keeps librdkafka's last words. `all_down`: it has lost its last connection, so it is looked at now.
    pub(super) fn note_error(&self, reason: &str, all_down: bool) {
        self.update(|state| {
            state.last_error = Some(reason.to_owned());
            state.look_again |= all_down && self.health.is_ready();
        });
    }

    /// A batch was stored: an outage is over before its next probe was due.
    pub(super) fn note_stored(&self) {
        if !self.health.is_ready() {
            self.look_again();
        }
    }

    pub(super) fn look_again(&self) {
        self.update(|state| state.look_again = true);
    }

    pub(super) fn stop(&self) {
        self.update(|state| state.stopped = true);
        self.health.set_not_ready("the Kafka producer is closed".to_owned());
    }

    /// Why records may have had no answer in time, as far as it is known.
    pub(super) fn cause_of_delay(&self) -> String {
        if let crate::Readiness::NotReady { reason } = self.health.readiness() {
            return reason;
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_error.clone().unwrap_or_else(|| "the brokers are reachable but too slow".to_owned())
    }

    fn last_error(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last_error.clone()
    }

    /// Waits for the next probe; `false` when there is none to come.
    fn wait(&self, interval: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, interval, |state| !state.look_again && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        state.look_again = false;
        !state.stopped
    }
}

pub(super) struct Probe {
    producer: Arc<BaseProducer<ReportContext>>,
    outlook: Arc<Outlook>,
    settings: KafkaSettings,
    min_in_sync: Option<(usize, Instant)>,
}

impl Probe {
    /// Starts the thread; it ends after [`Outlook::stop`], at the latest when its question is answered.
    pub(super) fn start(
        producer: Arc<BaseProducer<ReportContext>>,
        outlook: Arc<Outlook>,
        settings: KafkaSettings,
    ) -> Result<(), OpenError> {
        let mut probe = Self { producer, outlook, settings, min_in_sync: None };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || probe.run())
            .map(drop)
            .map_err(|source| OpenError::Thread { name: THREAD, source })
    }

    fn run(&mut self) {
        let mut pace = Pace::default();
        loop {
            let found = self.look();
            let interval = match &found {
                Ok(()) => {
                    pace.reset();
                    READY_INTERVAL
                }
                Err(_) => pace.next_wait(),
            };
            // A stop that came meanwhile has the last word.
            if self.outlook.state.lock().unwrap_or_else(PoisonError::into_inner).stopped {
                return;
            }
            match found {
                Ok(()) => self.outlook.health.set_ready(),
                Err(reason) => {
                    self.min_in_sync = None;
                    self.outlook.health.set_not_ready(reason);
                }
            }
            if !self.outlook.wait(interval) {
                return;
            }
        }
    }

    fn look(&mut self) -> Result<(), String> {
        let name = &self.settings.topic;
        let metadata = self
            .producer
            .client()
            .fetch_metadata(Some(name), ANSWER_TIMEOUT)
            .map_err(|error| self.unreachable(&error))?;
        let topic = metadata
            .topics()
            .iter()
            .find(|topic| topic.name() == name)
            .ok_or_else(|| format!("the brokers say nothing of the topic `{name}`"))?;
        check_topic(topic)?;
        let min_in_sync = self.min_in_sync();
        check_in_sync(topic, min_in_sync)
    }

    fn unreachable(&self, error: &KafkaError) -> String {
        let brokers = self.settings.brokers.join(", ");
        let code = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
        let cause = self.outlook.last_error().unwrap_or(code);
        format!("no Kafka broker answers at {brokers}: {cause}")
    }

    /// The topic's `min.insync.replicas`, asked for now and then; 1 where the brokers do not tell.
    fn min_in_sync(&mut self) -> usize {
        if let Some((replicas, asked)) = self.min_in_sync
            && asked.elapsed() < REPLICAS_BELIEVED
        {
            return replicas;
        }
        let replicas = ask_min_in_sync(&self.settings).unwrap_or_else(|reason| {
            tracing::debug!("min.insync.replicas of `{}` is not known: {reason}", self.settings.topic);
            1
        });
        self.min_in_sync = Some((replicas, Instant::now()));
        replicas
    }
}

fn check_topic(topic: &MetadataTopic) -> Result<(), String> {
    let name = topic.name();
    if let Some(error) = topic.error() {
        return Err(match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::UnknownTopicOrPartition => {
                format!("the topic `{name}` does not exist, and the brokers do not create it")
            }
            RDKafkaErrorCode::TopicAuthorizationFailed => {
                format!("not authorised to write to the topic `{name}`")
            }
            other => format!("the topic `{name}` cannot be used: {other}"),
        });
    }
    let leaderless: Vec<String> =
        topic.partitions().iter().filter(|p| p.leader() < 0).map(|p| p.id().to_string()).collect();
    if !leaderless.is_empty() || topic.partitions().is_empty() {
        return Err(format!("the topic `{name}` has no leader for partition {}", leaderless.join(", ")));
    }
    Ok(())
}

fn check_in_sync(topic: &MetadataTopic, min_in_sync: usize) -> Result<(), String> {
    let short = topic.partitions().iter().find(|partition| partition.isr().len() < min_in_sync);
    match short {
        None => Ok(()),
        Some(partition) => Err(format!(
            "not enough in-sync replicas: partition {} of the topic `{}` has {}, min.insync.replicas asks for \
             {min_in_sync}",
            partition.id(),
            topic.name(),
            partition.isr().len()
        )),
    }
}

/// Asks with a client of its own: the producer's has no way to, and the question is rare.
fn ask_min_in_sync(settings: &KafkaSettings) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let admin = AdminClient::from_config_and_context(&client_config(settings), AskContext)
        .map_err(|error| error.to_string())?;
    let topic = ResourceSpecifier::Topic(&settings.topic);
    let options = AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT));
    let described = runtime.block_on(admin.describe_configs([&topic], &options));
    let topics = described.map_err(|error| error.to_string())?;
    let topic =
        topics.into_iter().next().ok_or("no answer for the topic")?.map_err(|code| code.to_string())?;
    let value = topic.get("min.insync.replicas").and_then(|entry| entry.value.as_deref());
    value.and_then(|value| value.parse().ok()).ok_or_else(|| "it is not among the answer".to_owned())
}
