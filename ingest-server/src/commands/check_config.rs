//! `footfall check-config`: what the settings come to and where each was said, or what is wrong and where.
//! Nothing is opened and nothing is connected to.

use super::{CommandError, settings};
use crate::cli::Said;
use crate::settings::SETTINGS;
use std::io::Write;

/// Prints the settings.
///
/// # Errors
/// [`CommandError::Settings`] with everything that is wrong.
pub fn check_config(said: Said) -> Result<(), CommandError> {
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
    text.push_str("The settings are right.\n");
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|source| CommandError::System { doing: "cannot print", source })
}
