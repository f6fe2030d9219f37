//! Watches from a thread of its own whether the topic can take records, and says in words why not.
//! Delivery reports and librdkafka's errors hurry it along; records themselves are produced elsewhere.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
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

    /// Keeps librdkafka's last words on one connection.
    pub(super) fn note_error(&self, reason: &str) {
        self.update(|state| state.last_error = Some(reason.to_owned()));
    }

    /// librdkafka has lost its last connection: the topic is looked at now, not at the next interval.
    pub(super) fn note_all_brokers_down(&self) {
        if self.health.is_ready() {
            self.look_again();
        }
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
        self.health.end("the Kafka producer is closed");
    }

    /// Why records may have had no answer in time, as far as it is known.
    pub(super) fn cause_of_delay(&self) -> String {
        if let crate::Readiness::NotReady { reason } = self.health.readiness() {
            return reason;
        }
        self.last_error()
            .unwrap_or_else(|| "the brokers were reachable a moment ago, but are too slow".to_owned())
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped
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
}

impl Probe {
    /// Starts the thread; it ends after [`Outlook::stop`], at the latest when its question is answered.
    pub(super) fn start(
        producer: Arc<BaseProducer<ReportContext>>,
        outlook: Arc<Outlook>,
        settings: KafkaSettings,
    ) -> Result<(), OpenError> {
        let probe = Self { producer, outlook, settings };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || probe.run())
            .map(drop)
            .map_err(|source| OpenError::Thread { name: THREAD, source })
    }

    fn run(&self) {
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
            if self.outlook.is_stopped() {
                return;
            }
            match found {
                Ok(()) => {
                    // What was said of an outage that is over explains none that comes later.
                    self.outlook.update(|state| state.last_error = None);
                    self.outlook.health.set_ready();
                }
                Err(reason) => self.outlook.health.set_not_ready(reason),
            }
            if !self.outlook.wait(interval) {
                return;
            }
        }
    }

    fn look(&self) -> Result<(), String> {
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
        let partitions: Vec<_> = topic.partitions().iter().map(InSync::of).collect();
        // The brokers are asked for the minimum only where it can matter: while a replica is behind.
        if partitions.iter().all(|partition| partition.in_sync >= partition.replicas) {
            return Ok(());
        }
        let min_in_sync = ask_min_in_sync(&self.settings).unwrap_or_else(|reason| {
            tracing::debug!("min.insync.replicas of `{name}` is not known: {reason}");
            1
        });
        check_in_sync(name, &partitions, min_in_sync)
    }

    fn unreachable(&self, error: &KafkaError) -> String {
        let brokers = self.settings.brokers.join(", ");
        let cause = self.outlook.last_error().unwrap_or_else(|| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::OperationTimedOut) => format!("silence for {ANSWER_TIMEOUT:?}"),
            Some(code) => code.to_string(),
            None => error.to_string(),
        });
        format!("no Kafka broker answers at {brokers}: {cause}")
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

/// How many copies of a partition are up to date.
struct InSync {
    partition: i32,
    in_sync: usize,
    replicas: usize,
}

impl InSync {
    fn of(partition: &MetadataPartition) -> Self {
        let (in_sync, replicas) = (partition.isr().len(), partition.replicas().len());
        Self { partition: partition.id(), in_sync, replicas }
    }
}

/// Kafka's own rule: a topic with fewer replicas than the minimum is held to all that it has.
fn check_in_sync(topic: &str, partitions: &[InSync], min_in_sync: usize) -> Result<(), String> {
    match partitions.iter().find(|partition| partition.in_sync < min_in_sync.min(partition.replicas)) {
        None => Ok(()),
        Some(InSync { partition, in_sync, replicas }) => Err(format!(
            "not enough in-sync replicas: partition {partition} of the topic `{topic}` has {in_sync} of \
             {replicas}, min.insync.replicas asks for {min_in_sync}"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_in_sync_replicas_are_told_by_kafkas_own_rule() {
        let check = |in_sync, replicas, minimum| {
            let whole = InSync { partition: 0, in_sync: 3, replicas: 3 };
            check_in_sync("events", &[whole, InSync { partition: 1, in_sync, replicas }], minimum)
        };
        assert_eq!(check(2, 3, 2), Ok(()));
        assert_eq!(check(1, 1, 2), Ok(()), "Kafka takes records with all replicas there are");
        let words = check(1, 3, 2).unwrap_err();
        assert!(words.contains("partition 1") && words.contains("min.insync.replicas asks for 2"), "{words}");
    }
}
