//! What Redis knows of batches whose sender got no answer, and how far back it reaches.
//! What a page is told from that is decided where this server's own memory is asked too.

use super::holding::millis;
use super::scripts::ASK;
use super::{Away, SharedMemory};
use std::time::Duration;

/// How long after a Redis came back empty, or lost something, another server may not know it yet and store without it.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// What is known of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is durable.
    Stored,
    /// It is being stored.
    InFlight,
    /// A part of it is durable, and a copy stores the rest.
    InPart,
    /// It may be durable or not.
    Unsure,
    /// It is not there.
    Not,
}

/// How far back the memory reaches: of what is younger than that, nothing is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach(pub Duration);

impl SharedMemory {
    /// Asks for batches of a site. `None` where batches are not shared.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn ask(
        &self,
        write_key: &str,
        batch_ids: &[&str],
    ) -> Result<Option<(Reach, Vec<Known>)>, Away> {
        let Some(window) = self.settings.receipts else { return Ok(None) };
        let (since_epoch, said): (u64, Vec<String>) = {
            let mut said: Vec<String> = self
                .link
                .call(&ASK, |call| {
                    call.key(self.keys.epoch(write_key));
                    for batch_id in batch_ids {
                        call.key(self.keys.batch(write_key, batch_id));
                    }
                    call.arg(millis(window));
                })
                .await?;
            let since_epoch = said.first().and_then(|text| text.parse().ok()).unwrap_or_default();
            (since_epoch, said.drain(1.min(said.len())..).collect())
        };
        // It is there, or it could not have answered; else nothing is taken for known.
        let since_loss =
            self.link.facts().map_or(Duration::ZERO, |facts| facts.since_loss + facts.at.elapsed());
        let began = Duration::from_millis(since_epoch).min(since_loss).saturating_sub(NOTICED_WITHIN);
        let known = said.iter().map(|said| match said.as_str() {
            "k" => Known::Stored,
            "r" => Known::InFlight,
            "p" => Known::InPart,
            "-" => Known::Not,
            _ => Known::Unsure,
        });
        Ok(Some((Reach(began.min(window)), known.collect())))
    }
}
