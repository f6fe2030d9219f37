//! The steps "reserve ids" and "settle ids" for single events: an event that comes again in another batch is not stored
//! again. An id becomes known only when its event is durable; a failure releases it, and a copy that comes meanwhile
//! waits for the first one's fate.

mod digest;
mod table;

use crate::known_ids::seconds;
use crate::refusal::Refused;
use digest::{Digest, Keys};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use table::{Flight, Table};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How long a copy waits for the fate of the first one.
const COPY_WAIT: Duration = Duration::from_secs(5);

/// The window of event ids. Clones share it.
///
/// It is bounded by bytes alone: an id is known until newer ones need its room, so a calm site's duplicates are told
/// for days. It does not outlive the process; batches that come again after a restart are told by their batch id.
#[derive(Debug, Clone)]
pub struct EventIds {
    keys: Keys,
    copy_wait: Duration,
    table: Arc<Mutex<Table>>,
}

/// Figures for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventIdStats {
    /// Ids held.
    pub ids: usize,
    /// Ids that can be held.
    pub max_ids: usize,
    /// Ids given up for newer ones since the start.
    pub evicted: u64,
}

/// What a batch's ids came to.
#[derive(Debug)]
pub struct Reserved {
    /// For each id in its order: whether it is another event's copy, of an earlier batch or of this one.
    pub duplicates: Vec<bool>,
    /// The others.
    pub reservation: Reservation,
}

/// The events of one batch that are being stored; dropping it releases those that are not settled.
#[derive(Debug)]
#[must_use = "the ids are released when this is dropped"]
pub struct Reservation {
    ids: EventIds,
    seconds: u32,
    /// One for each id that is ours, `None` where an event has none or is a copy.
    ours: Vec<Option<Digest>>,
    flight: Flight,
    /// Its end wakes those who wait for one of these events.
    _fate: watch::Sender<()>,
}

impl EventIds {
    /// A window of `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        let table = Arc::new(Mutex::new(Table::new(max_bytes)));
        Self { keys: Keys::default(), copy_wait: COPY_WAIT, table }
    }

    /// Reserves the ids of a batch's events, all of them or none. An event without an id is nobody's copy.
    ///
    /// # Errors
    /// [`Refused::InFlight`] where a copy of one of them is being stored and that takes longer than five seconds.
    pub async fn reserve<'a>(
        &self,
        write_key: &str,
        event_ids: impl Iterator<Item = Option<&'a str>>,
        received_at: i64,
    ) -> Result<Reserved, Refused> {
        let site = self.keys.site(write_key);
        let mut ours: Vec<_> = event_ids.map(|id| id.map(|id| site.digest(id))).collect();
        let deadline = Instant::now() + self.copy_wait;
        loop {
            let reserved = self.lock().reserve(&mut ours);
            match reserved {
                Ok((duplicates, flight, fate)) => {
                    let ids = self.clone();
                    let seconds = seconds(received_at);
                    let reservation = Reservation { ids, seconds, ours, flight, _fate: fate };
                    return Ok(Reserved { duplicates, reservation });
                }
                // It tells by going away, so what comes is always an error; then it is looked at again.
                Err(mut other) => {
                    if timeout_at(deadline, other.changed()).await.is_err() {
                        return Err(Refused::InFlight);
                    }
                }
            }
        }
    }

    /// Figures for the metrics; cheap.
    pub fn stats(&self) -> EventIdStats {
        self.lock().stats()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Says which events are durable, in the order in which they were reserved, copies included; the others are
    /// released.
    pub fn settle(mut self, mut is_durable: impl FnMut(usize) -> bool) {
        let ours = std::mem::take(&mut self.ours);
        let ids = self.ids.clone();
        let mut table = ids.lock();
        for (place, digest) in ours.into_iter().enumerate() {
            if let Some(digest) = digest {
                table.release(&digest);
                if is_durable(place) {
                    table.remember(digest, self.seconds);
                }
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut table = self.ids.lock();
        for digest in self.ours.iter().flatten() {
            table.release(digest);
        }
        table.land(self.flight);
    }
}

#[cfg(test)]
mod tests;
