//! How a producer is kept up by the threads that use it: how often it is polled and its topics are looked at, and when a
//! file of its settings has it made anew. What is decided from what they see stands in `fallback` and `at_most_once`.

use std::time::Duration;

use crate::error::OpenError;

/// How long one call of the producer may wait for reports, and how often it is looked for those that nobody took.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// How often a topic that takes records is looked at.
pub(crate) const HEALTHY_INTERVAL: Duration = Duration::from_secs(2);

/// A password or a certificate that was replaced is what keeps Kafka away, or mends it: `renew` makes the producer anew.
/// Says whether it did.
///
/// # Errors
///
/// Why no producer could be made, in words.
pub(crate) fn take_over_files(
    is_outdated: bool,
    renew: impl FnOnce() -> Result<(), OpenError>,
) -> Result<bool, String> {
    if is_outdated {
        tracing::info!("a file of Kafka's secrets or certificates has changed: the producer is made anew");
        renew().map_err(|error| error.to_string())?;
    }
    Ok(is_outdated)
}
