//! A schema registry that speaks Confluent's API: which id our schema has there, for each topic of events.
//! It is asked once, at the start; no event waits for it, and ids that it gave once stay true while it is away.

mod check;
mod client;
mod kept;

pub use check::inspect;

use crate::settings::{RegistrySettings, Settings};
use client::{Client, Failure};
use footfall_event_model::BinaryFormat;
use kept::Kept;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon a registry that is away is asked again: twice as long each time, up to the second.
const PACE: Duration = Duration::from_millis(100);
const SLOWEST_PACE: Duration = Duration::from_secs(2);

/// The ids of our schema, by topic; `None` is the topic of all.
#[derive(Debug, Default)]
pub struct SchemaIds {
    by_topic: BTreeMap<Option<Arc<str>>, u32>,
    /// What is to be written, where the registry answered.
    news: Option<Kept>,
}

/// Why there is no id.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nothing useful came from it in time, and no id was kept.
    #[error(
        "the schema registry at {url} (kafka.schema_registry.url) did not answer within {within:?}: {reason}; and no id of the \
         schema for `{subject}` is known from an earlier start"
    )]
    Away {
        /// The registry.
        url: String,
        /// How long it was asked.
        within: Duration,
        /// What the last try said.
        reason: String,
        /// What was asked for.
        subject: String,
    },
    /// It answered, and there is no id.
    #[error("the schema registry at {url} (kafka.schema_registry.url) {words}")]
    Refused {
        /// The registry.
        url: String,
        /// What it said, and what would be right.
        words: String,
    },
    /// Its CA cannot be used.
    #[error("kafka.schema_registry.ca_file: {0}")]
    Ca(String),
}

impl RegistryError {
    /// Nothing came from it for as long as it was asked, and no id was kept.
    fn without_an_id(registry: &RegistrySettings, failure: &Failure, subject: &str) -> Self {
        let (url, within) = (registry.url.to_string(), registry.timeout);
        match failure {
            Failure::Away(reason) => {
                Self::Away { url, within, reason: reason.clone(), subject: subject.to_owned() }
            }
            failure => Self::Refused {
                url,
                words: format!(
                    "{failure}, and did so for {within:?}; no id of the schema for `{subject}` is known from an earlier start"
                ),
            },
        }
    }
}

impl SchemaIds {
    /// Asks for the ids of the schema of `format` for all topics of events.
    ///
    /// # Errors
    /// [`RegistryError`] where there is none for one of them.
    pub async fn ask(
        registry: &RegistrySettings,
        format: BinaryFormat,
        settings: &Settings,
    ) -> Result<Self, RegistryError> {
        let Some(kafka) = &settings.delivery.kafka else { return Ok(Self::default()) };
        let client = Client::new(registry)?;
        let until = Instant::now() + registry.timeout;
        let mut kept = Kept::read(&settings.delivery.data_dir, &registry.url.to_string());
        let subjects = subjects(registry, &kafka.topic, &kafka.routed_topics);
        let mut ids = BTreeMap::new();
        let mut failed: Option<Failure> = None;
        for subject in subjects.values().collect::<BTreeSet<_>>() {
            let asked = match &failed {
                // One that does not answer, or not us, is not waited for again.
                Some(failure) => Err(failure.clone()),
                None => ask_until(&client, subject, format, until).await,
            };
            let id = match asked {
                Ok(id) => {
                    tracing::info!("the schema of `{subject}` has the id {id} in the registry");
                    kept.keep(subject, format, id);
                    id
                }
                Err(Failure::Refused(words)) => {
                    return Err(RegistryError::Refused { url: registry.url.to_string(), words });
                }
                Err(failure) => {
                    let kept = kept.of(subject, format);
                    let id = kept.ok_or_else(|| RegistryError::without_an_id(registry, &failure, subject))?;
                    tracing::warn!(
                        "the schema registry {failure}; `{subject}` goes on with the id {id} that it gave before"
                    );
                    failed = Some(failure);
                    id
                }
            };
            ids.insert(subject.clone(), id);
        }
        let of_topic = subjects.into_iter().filter_map(|(topic, subject)| Some((topic, *ids.get(&subject)?)));
        Ok(Self { by_topic: of_topic.collect(), news: failed.is_none().then_some(kept) })
    }

    /// Keeps what the registry said for later starts; the data directory is there by now.
    pub(super) fn keep(&self) {
        if let Some(news) = &self.news {
            news.write();
        }
    }

    /// The id for a topic that a record names; `None` is the topic of all.
    pub(super) fn of(&self, topic: Option<&str>) -> Option<u32> {
        // Few topics, and most records name none.
        self.by_topic.iter().find(|(known, _)| known.as_deref() == topic).map(|(_, id)| *id)
    }
}

#[cfg(test)]
impl SchemaIds {
    /// These.
    pub(super) fn new<const N: usize>(ids: [(Option<&str>, u32); N]) -> Self {
        let by_topic = ids.into_iter().map(|(topic, id)| (topic.map(Arc::from), id)).collect();
        Self { by_topic, news: None }
    }
}

/// The subject of each topic of events.
fn subjects(
    registry: &RegistrySettings,
    topic: &str,
    routed: &BTreeSet<String>,
) -> BTreeMap<Option<Arc<str>>, String> {
    let routed =
        routed.iter().map(|topic| (Some(Arc::from(topic.as_str())), registry.subject_names.of(topic)));
    routed.chain([(None, registry.subject_names.of(topic))]).collect()
}

async fn ask_until(
    client: &Client<'_>,
    subject: &str,
    format: BinaryFormat,
    until: Instant,
) -> Result<u32, Failure> {
    let mut pace = PACE;
    let mut told = false;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let asked = client.id(subject, format, left).await;
        let left = until.saturating_duration_since(Instant::now());
        let may_change = matches!(asked, Err(Failure::Away(_) | Failure::Login(_)));
        if !may_change || left < pace {
            return asked;
        }
        if let Err(Failure::Login(words)) = &asked
            && !std::mem::replace(&mut told, true)
        {
            tracing::warn!(
                "the schema registry {words}: the password's file (kafka.schema_registry.password_file) is read again                  for each further question, for {left:.0?}"
            );
        }
        tokio::time::sleep(pace).await;
        pace = (pace * 2).min(SLOWEST_PACE);
    }
}
