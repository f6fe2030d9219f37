//! Sends what Kafka refused to Kafka again: records that the server had checked and stamped, as they were.
//! They need no server; whether their cause is mended, Kafka says.

use super::letter::Letter;
use crate::settings::Settings;
use footfall_delivery::{RecordOutcome, Replayer};
use std::time::Duration;

/// How long Kafka may take for one.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The Kafka of the settings, with a producer as soon as one is needed.
#[derive(Default)]
pub(super) struct Kafka {
    replayer: Option<Replayer>,
}

impl Kafka {
    /// Sends a letter's record; `Ok(Err(…))` says why it was not taken.
    ///
    /// # Errors
    /// Why none can be sent now.
    pub(super) fn send(
        &mut self,
        settings: &Settings,
        letter: &Letter,
    ) -> Result<Result<(), String>, String> {
        let Some(kafka) = &settings.delivery.kafka else {
            let words = "it is a record that Kafka refused, and no Kafka is set: name the brokers";
            return Ok(Err(words.to_owned()));
        };
        let Some(record) = letter.record() else {
            return Ok(Err("it was too large to be kept".to_owned()));
        };
        let replayer = match &mut self.replayer {
            Some(replayer) => replayer,
            none => none.insert(Replayer::open(kafka).map_err(|error| error.to_string())?),
        };
        let sent = replayer.send(&[record], TIMEOUT).map_err(|error| error.to_string())?;
        match sent.into_iter().next() {
            Some(RecordOutcome::Failed(failure)) if failure.retry => Err(failure.reason),
            Some(RecordOutcome::Failed(failure)) => Ok(Err(failure.reason)),
            Some(RecordOutcome::Stored(_) | RecordOutcome::Journaled) => Ok(Ok(())),
            None => Err("Kafka said nothing".to_owned()),
        }
    }
}
