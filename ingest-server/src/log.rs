//! The log: lines for a person on standard error, as detailed as `FOOTFALL_LOG` says.
//! What may not stand in it (addresses, keys' owners, bodies) is kept out where the lines are written.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts the log for the process.
pub fn start() {
    let detail = EnvFilter::try_from_env("FOOTFALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(detail)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
