//! Where this server's own memory of ids and the one that it shares with others meet: first its own, then Redis.
//! What is known here costs no command, and where nothing is shared this server's own word is the last one.

use super::Edge;
use crate::event_ids::{self, Claim};
use crate::receipts::{Found, Reserved};
use crate::refusal::Refused;
use crate::shared::{Away, BatchReserved, Holding, Known, Reach};
use footfall_event_model::{BatchReceipt, ReceiptStatus};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a copy waits for the fate of the first one, here and elsewhere together.
const COPY_WAIT: Duration = Duration::from_secs(5);
/// How long an answer waits for a batch that it was asked about and that another server is storing.
const ASK_WAIT: Duration = Duration::from_millis(300);
/// Between two looks at such a batch.
const LOOKS: Duration = Duration::from_millis(50);

impl Edge {
    /// Reserves a batch's id, here and for all servers.
    pub(super) async fn reserve_batch(
        &self,
        write_key: &str,
        batch_id: &str,
        received_at: i64,
        holding: Option<&mut Holding>,
    ) -> Result<Reserved, Refused> {
        let deadline = Instant::now() + COPY_WAIT;
        let mut ours = match self.receipts.reserve(write_key, batch_id, received_at).await? {
            Reserved::Known => return Ok(Reserved::Known),
            Reserved::New(ours) => ours,
        };
        if let Some(holding) = holding {
            match holding.reserve_batch(batch_id, deadline).await? {
                BatchReserved::Known => {
                    // Known here too from now on.
                    ours.settle().await;
                    return Ok(Reserved::Known);
                }
                BatchReserved::Ours(stored) => ours.add_stored(stored),
            }
        }
        Ok(Reserved::New(ours))
    }

    /// Reserves the ids of a batch's events, here and for all servers. `event_ids` tells them as `claim` has them.
    pub(super) async fn reserve_events<'a>(
        &self,
        claim: Claim,
        event_ids: impl Iterator<Item = (u32, &'a str)>,
        received_at: i64,
        holding: Option<&mut Holding>,
    ) -> Result<event_ids::Claimed, Refused> {
        let deadline = Instant::now() + COPY_WAIT;
        let mut claimed = claim.reserve(received_at).await?;
        if let Some(holding) = holding {
            let mut copies = claimed.copies.iter().peekable();
            let new = event_ids.filter(|(place, _)| copies.next_if_eq(&place).is_none());
            let known = holding.reserve_events(new, deadline).await?;
            claimed.add_copies(&known);
        }
        Ok(claimed)
    }

    /// What is known, here or to all servers, of batches whose sender got no answer. One that is being stored is left
    /// out, and so is one that only others may know while Redis is away: its sender asks again.
    pub(super) async fn ask(
        &self,
        write_key: &str,
        batch_ids: &[String],
        sent_at: Option<i64>,
        received_at: i64,
    ) -> Vec<BatchReceipt> {
        let found = self.receipts.look(write_key, batch_ids, sent_at, received_at).await;
        let open: Vec<&str> = found.iter().filter(|(_, found)| found.is_open()).map(|(id, _)| *id).collect();
        let (others, mut known) = self.ask_others(write_key, &open).await;
        let receipt = |(batch_id, found): (&str, Found)| {
            let status = match others {
                Others::Told(reach) if found.is_open() => judge(found, reach, known.next()?)?,
                Others::Away if found.is_open() => return None,
                _ => found.alone()?,
            };
            Some(BatchReceipt { batch_id: batch_id.to_owned(), status })
        };
        found.into_iter().filter_map(receipt).collect()
    }

    /// What all servers know of batches, in their order.
    async fn ask_others(
        &self,
        write_key: &str,
        batch_ids: &[&str],
    ) -> (Others, impl Iterator<Item = Known> + use<>) {
        let nothing = Vec::new().into_iter();
        let Some(shared) = self.shared.as_ref().filter(|_| !batch_ids.is_empty()) else {
            return (Others::None, nothing);
        };
        let deadline = Instant::now() + ASK_WAIT;
        loop {
            match shared.ask(write_key, batch_ids).await {
                Err(Away { .. }) => return (Others::Away, nothing),
                Ok(None) => return (Others::None, nothing),
                Ok(Some((reach, known))) => {
                    if !known.contains(&Known::InFlight) || Instant::now() >= deadline {
                        return (Others::Told(reach), known.into_iter());
                    }
                }
            }
            sleep(LOOKS).await;
        }
    }
}

/// What the other servers have to say.
#[derive(Clone, Copy)]
enum Others {
    /// Nothing is shared, or nothing was asked.
    None,
    /// Redis is away.
    Away,
    /// What they know reaches so far back.
    Told(Reach),
}

/// What is said of a batch that this server does not know to be stored; `None` where its sender is to ask again.
fn judge(found: Found, reach: Reach, known: Known) -> Option<ReceiptStatus> {
    match known {
        Known::Stored => Some(ReceiptStatus::Stored),
        Known::InFlight => None,
        Known::InPart => Some(ReceiptStatus::Unseen),
        Known::Unsure => Some(ReceiptStatus::Expired),
        Known::Not => match found {
            Found::Not { age_ms: Some(age), .. } if Duration::from_millis(age) < reach.0 => {
                Some(ReceiptStatus::Unseen)
            }
            Found::Not { .. } => Some(ReceiptStatus::Expired),
            found => found.alone(),
        },
    }
}
