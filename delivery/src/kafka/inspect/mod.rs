//! Looks at brokers and topics as an operator would before a start: login, rights, replication, sizes.
//! It only asks: nothing is written, and no topic comes to be by being asked for.

mod cluster;
mod described;
mod rights;
mod topic;
mod transactional_id;

use super::guarantee::Guarantee;
use super::settings::KafkaSettings;
use cluster::Cluster;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// As it should be.
    Right,
    /// It works, and promises less than it could, or cannot be told.
    Doubtful,
    /// Events would not get through.
    Wrong,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// What was found and, unless it is right, what would be.
    pub words: String,
}

impl Finding {
    fn right(words: impl Into<String>) -> Self {
        Self { weight: Weight::Right, words: words.into() }
    }

    fn doubtful(words: impl Into<String>) -> Self {
        Self { weight: Weight::Doubtful, words: words.into() }
    }

    fn wrong(words: impl Into<String>) -> Self {
        Self { weight: Weight::Wrong, words: words.into() }
    }
}

/// What brokers and topics say to these settings, for records of at most so many bytes. Blocks for about ten seconds where
/// nobody answers.
pub fn inspect(settings: &KafkaSettings, record_max_bytes: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cluster = match Cluster::reach(settings) {
        Ok(cluster) => cluster,
        Err(words) => return vec![Finding::wrong(words)],
    };
    findings.push(cluster.described());
    let dead_letters = settings.dead_letter_topic();
    let topics: Vec<&str> = settings.event_topics().into_iter().chain([dead_letters.as_str()]).collect();
    let rights = rights::of_topics(&cluster, &topics);
    for topic in &topics {
        topic::look(&cluster, topic, record_max_bytes, &mut findings);
        match &rights {
            Ok(rights) => findings.extend(rights::judged(topic, rights.get(*topic), *topic != dead_letters)),
            Err(reason) => findings.push(Finding::doubtful(format!(
                "the rights on the topic `{topic}` are not known: {reason}"
            ))),
        }
    }
    if let Guarantee::ExactlyOnce { transactional_id } = &settings.guarantee {
        findings.push(transactional_id::look(settings, transactional_id));
    }
    // What failed on the way although the cluster answered: one of several brokers is away.
    findings.extend(cluster.complaints().into_iter().map(Finding::doubtful));
    findings
}
