//! The log: lines on standard error, as detailed as `FOOTFALL_LOG`, else `RUST_LOG`, says, for a person or for a machine.
//! What may not stand in it (addresses, keys' owners, bodies) is kept out where the lines are written.

mod format;
mod recent;
mod sample;

pub use format::LogFormat;
pub use recent::{LogLine, recent};
pub use sample::Sample;

use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// What tells how detailed the log is; the first that is set counts.
const VARIABLES: [&str; 2] = ["FOOTFALL_LOG", "RUST_LOG"];

/// Starts the log for the process.
pub fn start() {
    let asked = VARIABLES.into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let (detail, misread) = match asked.map(|(name, text)| (name, EnvFilter::try_new(text))) {
        Some((_, Ok(detail))) => (detail, None),
        Some((name, Err(error))) => (EnvFilter::new("info"), Some((name, error))),
        None => (EnvFilter::new("info"), None),
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(format::Either::default());
    registry().with(detail).with(lines).with(recent::Recent).init();
    if let Some((name, error)) = misread {
        tracing::warn!(
            "{name} cannot be read ({error}); info is used; a level such as {name}=debug would be right"
        );
    }
}
