//! What `check-config --connect` finds of a schema registry: whether it answers, and whether it has or takes our schema.
//! Nothing is registered by asking.

use super::client::{Client, Failure, Known, unfit};
use super::subjects;
use crate::settings::{FormatSettings, Settings};
use footfall_delivery::{Finding, Weight};
use std::collections::BTreeSet;

/// What the settings' registry says, if one is named.
pub async fn inspect(settings: &Settings) -> Vec<Finding> {
    let FormatSettings::Binary(format, Some(registry)) = &settings.format else { return Vec::new() };
    let Some(kafka) = &settings.delivery.kafka else { return Vec::new() };
    let client = match Client::new(registry) {
        Ok(client) => client,
        Err(error) => return vec![wrong(error.to_string())],
    };
    let subjects = subjects(registry, &kafka.topic, &kafka.routed_topics);
    let mut findings = Vec::new();
    for subject in subjects.into_values().collect::<BTreeSet<_>>() {
        let known = client.knows(&subject, *format, registry.timeout).await;
        let url = &registry.url;
        findings.push(match known {
            Ok(Known::Id(id)) => right(format!("the schema registry at {url}: `{subject}` has our schema, id {id}")),
            Ok(Known::Missing) if registry.auto_register => right(format!(
                "the schema registry at {url}: `{subject}` does not have our schema yet; the server registers it when it starts"
            )),
            Ok(Known::Missing) => wrong(format!(
                "the schema registry at {url}: `{subject}` does not have our schema: register it, or set \
                 kafka.schema_registry.auto_register to on"
            )),
            Ok(Known::Unfit) => wrong(format!("the schema registry at {url} {}", unfit(&subject, &serde_json::Value::Null))),
            Err(Failure::Refused(words) | Failure::Login(words)) => wrong(format!("the schema registry at {url} {words}")),
            Err(Failure::Away(reason)) => {
                findings.push(wrong(format!("the schema registry at {url} does not answer: {reason}")));
                return findings;
            }
        });
    }
    findings
}

fn right(words: String) -> Finding {
    Finding { weight: Weight::Right, words }
}

fn wrong(words: String) -> Finding {
    Finding { weight: Weight::Wrong, words }
}
