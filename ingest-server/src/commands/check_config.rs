//! `footfall check-config`: what the settings come to and where each was said, or what is wrong and where.
//! Nothing is opened, and nothing is connected to unless that is asked for.

use super::{CommandError, settings, wait_for};
use crate::cli::Said;
use crate::format::registry;
use crate::settings::{SETTINGS, Settings};
use footfall_delivery::{Weight, inspect};
use footfall_event_model::limits;
use std::io::Write;

/// The most bytes that a record is taken to have: an event and its context at their limits, and what is stamped on
/// them.
const RECORD_BYTES: usize = limits::EVENT_BYTES + limits::CONTEXT_BYTES + (24 << 10);

/// Prints the settings and, with `connect`, what Kafka says to them.
///
/// # Errors
/// [`CommandError::Settings`] with everything that is wrong; [`CommandError::Connect`] where events would not get through.
pub fn check_config(said: Said, connect: bool) -> Result<(), CommandError> {
    let (resolved, sources) = settings(said)?;
    let mut text = String::new();
    for setting in SETTINGS {
        let line = match sources.get(setting.key) {
            Some(said) if setting.secret => format!("{} = (not shown)  # {}", setting.key, said.origin),
            // A property may be a password.
            Some(said) if setting.key == "kafka.properties" => {
                let names = said.values.iter().map(|pair| pair.split('=').next().unwrap_or_default());
                format!(
                    "{} = {} (values not shown)  # {}",
                    setting.key,
                    names.collect::<Vec<_>>().join(", "),
                    said.origin
                )
            }
            // So may a part of this address.
            Some(said) if setting.key == "redis.url" => {
                let server = resolved.redis.as_ref().map(|redis| redis.server.addr().to_string());
                format!("redis.url = {} (the rest not shown)  # {}", server.unwrap_or_default(), said.origin)
            }
            Some(said) => format!("{} = {}  # {}", setting.key, said.values.join(", "), said.origin),
            None => format!("{} is not set", setting.key),
        };
        text.push_str(&line);
        text.push('\n');
    }
    for (write_key, site) in &resolved.sites {
        text.push_str(&format!("site.{write_key}: {site}\n"));
    }
    for (write_key, checks) in &resolved.checks {
        text.push_str(&format!("site.{write_key}: {checks}\n"));
    }
    for route in &resolved.kafka_routes {
        text.push_str(&format!("kafka.route: {route}\n"));
    }
    text.push_str("The settings are right.\n");
    print(&text)?;
    if connect { ask_kafka(&resolved) } else { Ok(()) }
}

fn ask_kafka(settings: &Settings) -> Result<(), CommandError> {
    let Some(kafka) = &settings.delivery.kafka else {
        return print("Kafka is not set: the journal is the store.\n");
    };
    let mut findings = inspect(kafka, RECORD_BYTES);
    findings.extend(wait_for(registry::inspect(settings))?);
    let mark = |weight| match weight {
        Weight::Right => "ok     ",
        Weight::Doubtful => "warning",
        Weight::Wrong => "WRONG  ",
    };
    let lines = findings.iter().map(|found| format!("{} {}\n", mark(found.weight), found.words));
    print(&lines.collect::<String>())?;
    let wrong = findings.iter().filter(|found| found.weight == Weight::Wrong).count();
    if wrong > 0 { Err(CommandError::Connect { wrong }) } else { Ok(()) }
}

fn print(text: &str) -> Result<(), CommandError> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|source| CommandError::System { doing: "cannot print", source })
}
