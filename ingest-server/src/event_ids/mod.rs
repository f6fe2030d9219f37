//! The steps "reserve ids" and "settle ids" for single events: an event that comes again in another batch is not stored
//! again. An id becomes known only when its event is durable; a failure releases it, and a copy that comes meanwhile
//! waits for the first one's fate.

mod digest;
mod rebuild;
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
/// for days. It does not outlive the process; a start fills it from what was stored last ([`Self::rebuild`]).
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

/// The ids of a batch that are to be reserved.
#[derive(Debug)]
pub struct Claim {
    ids: EventIds,
    /// The place of each event in its batch, rising.
    ours: Vec<(u32, Digest)>,
}

/// What a batch's ids came to.
#[derive(Debug)]
pub struct Claimed {
    /// The places of events that are copies: of one of an earlier batch, or of an earlier one of this.
    pub copies: Vec<u32>,
    /// The others.
    pub reservation: Reservation,
}

/// The events of one batch that are being stored; dropping it releases those that are not settled.
#[derive(Debug)]
#[must_use = "the ids are released when this is dropped"]
pub struct Reservation {
    ids: EventIds,
    seconds: u32,
    ours: Vec<(u32, Digest)>,
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

    /// Names the ids of a site's batch, each with the event's place in it.
    pub fn claim<'a>(&self, write_key: &str, event_ids: impl Iterator<Item = (u32, &'a str)>) -> Claim {
        let site = self.keys.site(write_key);
        Claim { ids: self.clone(), ours: event_ids.map(|(place, id)| (place, site.digest(id))).collect() }
    }

    /// Figures for the metrics; cheap.
    pub fn stats(&self) -> EventIdStats {
        self.lock().stats()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Reserves the ids, all that are no copies or none.
    ///
    /// # Errors
    /// [`Refused::InFlight`] where a copy of one of them is being stored and that takes longer than five seconds.
    pub async fn reserve(self, received_at: i64) -> Result<Claimed, Refused> {
        let Self { ids, mut ours } = self;
        let deadline = Instant::now() + ids.copy_wait;
        loop {
            let taken = ids.lock().reserve(&mut ours);
            match taken {
                Ok((copies, flight, fate)) => {
                    let seconds = seconds(received_at);
                    let reservation = Reservation { ids, seconds, ours, flight, _fate: fate };
                    return Ok(Claimed { copies, reservation });
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
}

impl Claimed {
    /// Adds the places of events that another server has stored; from here on they are known here too.
    pub fn add_copies(&mut self, known: &[u32]) {
        if known.is_empty() {
            return;
        }
        self.reservation.learn(known);
        self.copies.extend_from_slice(known);
        self.copies.sort_unstable();
    }
}

impl Reservation {
    /// Says of which places in the batch the events are durable; the others are released.
    pub fn settle(mut self, is_durable: impl Fn(u32) -> bool) {
        let ours = std::mem::take(&mut self.ours);
        let ids = self.ids.clone();
        let mut table = ids.lock();
        table.bring_all(&ours);
        for (place, digest) in ours {
            table.release(&digest);
            if is_durable(place) {
                table.remember(digest, self.seconds);
            }
        }
    }

    /// Takes events for known that are at these places, which rise.
    fn learn(&mut self, places: &[u32]) {
        let ids = self.ids.clone();
        let mut table = ids.lock();
        self.ours.retain(|(place, digest)| {
            let is_known = places.binary_search(place).is_ok();
            if is_known {
                table.release(digest);
                table.remember(*digest, self.seconds);
            }
            !is_known
        });
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut table = self.ids.lock();
        for (_, digest) in &self.ours {
            table.release(digest);
        }
        table.land(self.flight);
    }
}

#[cfg(test)]
mod tests;
