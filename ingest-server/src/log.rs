//! The log: lines on standard error, as detailed as `FOOTFALL_LOG` says, for a person or for a machine.
//! What may not stand in it (addresses, keys' owners, bodies) is kept out where the lines are written.

mod format;
mod sample;

pub use format::LogFormat;
pub use sample::Sample;

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts the log for the process.
pub fn start() {
    let asked = std::env::var("FOOTFALL_LOG").ok();
    let parsed = asked.as_deref().map(EnvFilter::try_new);
    let misread = parsed.as_ref().and_then(|parsed| parsed.as_ref().err()).map(ToString::to_string);
    let detail = parsed.and_then(Result::ok).unwrap_or_else(|| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(detail)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(format::Either::default())
        .init();
    if let Some(error) = misread {
        tracing::warn!(
            "FOOTFALL_LOG cannot be read ({error}); info is used; a level such as FOOTFALL_LOG=debug would be right"
        );
    }
}
