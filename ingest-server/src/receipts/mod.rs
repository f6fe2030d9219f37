//! The steps "reserve ids" and "settle ids": which batches are durable already, so that a copy is not stored again and
//! a page that got no answer can ask. An id becomes known only when its batch is durable, and a failure releases it.
//!
//! The memory is bounded by bytes and kept over a restart; what an event is, and how it becomes durable, is decided
//! elsewhere.

mod digest;
mod entry;
mod files;
mod horizon;
mod journal;
mod memory;
mod order;
mod partial;

pub use partial::EventSet;

use crate::known_ids::{self, seconds};
use crate::refusal::Refused;
use digest::{Digest, Salt};
use entry::Entry;
use footfall_event_model::ReceiptStatus;
use memory::Memory;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// How long somebody waits for a batch that is being stored.
#[derive(Debug, Clone, Copy)]
struct Waits {
    /// A copy of it.
    copy: Duration,
    /// An answer that was asked about it.
    ask: Duration,
    /// Those that were sent after it.
    order: Duration,
}

const WAITS: Waits = Waits {
    copy: Duration::from_secs(5),
    ask: Duration::from_millis(300),
    order: Duration::from_millis(200),
};

/// The memory of batch ids. Clones share it.
#[derive(Debug, Clone)]
pub struct Receipts {
    salt: Salt,
    waits: Waits,
    memory: Arc<Mutex<Memory>>,
}

/// Figures for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiptStats {
    /// Ids held.
    pub ids: usize,
    /// Ids that can be held.
    pub max_ids: usize,
    /// Bytes that the held ones take.
    pub bytes: usize,
    /// Ids given up for newer ones since the start.
    pub evicted: u64,
    /// Whether the ids are written to disk.
    pub on_disk: bool,
}

impl Receipts {
    /// A memory of `max_bytes` with what the last run left in `data_dir`; `journal` says that the store is the
    /// journal there, whose end can fill what the files miss.
    ///
    /// A disk that fails costs the memory over a restart and nothing else: it is logged, and the memory works.
    pub fn open(data_dir: &Path, max_bytes: usize, journal: bool) -> Self {
        let (memory, salt) = Memory::open(data_dir, max_bytes, journal);
        Self { salt, waits: WAITS, memory: Arc::new(Mutex::new(memory)) }
    }

    /// Reserves a batch's id before its events are delivered. A copy of a batch that is being stored waits for its
    /// fate here.
    ///
    /// # Errors
    /// [`Refused::InFlight`] where that takes too long.
    pub async fn reserve(
        &self,
        write_key: &str,
        batch_id: &str,
        received_at: i64,
    ) -> Result<Reserved, Refused> {
        let digest = self.salt.digest(write_key, batch_id);
        let deadline = Instant::now() + self.waits.copy;
        loop {
            let mut other = {
                let mut memory = self.lock();
                match memory.in_flight.get(&digest) {
                    // Also where it is known already, and not written.
                    Some(other) => other.clone(),
                    None if memory.known.contains(&digest) => return Ok(Reserved::Known),
                    None => {
                        let (fate, watched) = watch::channel(());
                        memory.in_flight.insert(digest, watched);
                        memory.expected.remove(&digest);
                        let stored = memory.partials.get(&digest).unwrap_or_default();
                        let receipts = self.clone();
                        let seconds = seconds(received_at);
                        return Ok(Reserved::New(Reservation {
                            receipts,
                            digest,
                            seconds,
                            stored,
                            _fate: fate,
                        }));
                    }
                }
            };
            // It tells by going away, so what comes is always an error; then it is looked at again.
            if timeout_at(deadline, other.changed()).await.is_err() {
                return Err(Refused::InFlight);
            }
        }
    }

    /// What this server knows of batches whose sender got no answer; it waits a while for one that it is storing.
    pub async fn look<'a>(
        &self,
        write_key: &str,
        batch_ids: &'a [String],
        sent_at: Option<i64>,
        received_at: i64,
    ) -> Vec<(&'a str, Found)> {
        let deadline = Instant::now() + self.waits.ask;
        let mut all = Vec::with_capacity(batch_ids.len());
        for batch_id in batch_ids {
            let digest = self.salt.digest(write_key, batch_id);
            let in_flight = self.lock().in_flight.get(&digest).cloned();
            if let Some(mut other) = in_flight {
                // It ends with an error or in time; either way the memory is asked.
                let _ = timeout_at(deadline, other.changed()).await;
            }
            let memory = self.lock();
            let found = if memory.known.contains(&digest) {
                Found::Stored
            } else if memory.in_flight.contains_key(&digest) {
                Found::InFlight
            } else if let Some(stored) = memory.partials.get(&digest) {
                // Sent again, it is stored to its end and no event twice; unless nobody knows what is stored of it.
                Found::InPart(if stored.is_empty() { ReceiptStatus::Expired } else { ReceiptStatus::Unseen })
            } else {
                let age_ms = horizon::age(batch_id, sent_at, received_at).and_then(|age| age.try_into().ok());
                Found::Not { status: memory.horizon.judge(batch_id, sent_at, received_at), age_ms }
            };
            all.push((batch_id.as_str(), found));
        }
        all
    }

    /// Figures for the metrics; cheap.
    pub fn stats(&self) -> ReceiptStats {
        let memory = self.lock();
        ReceiptStats {
            ids: memory.known.len(),
            max_ids: memory.known.capacity(),
            bytes: memory.known.len() * known_ids::BYTES_PER_ID + memory.partials.bytes(),
            evicted: memory.evicted,
            on_disk: memory.files.is_some(),
        }
    }

    /// Ends the run cleanly; called when every request has been answered. Ids are not written after it.
    pub fn close(&self) {
        let Some(files) = self.lock().files.take() else { return };
        if let Err(error) = files.close() {
            tracing::warn!(%error, "the batch ids on disk could not be closed; the next start takes some for lost");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this server knows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is durable.
    Stored,
    /// It is being stored.
    InFlight,
    /// A part of it is durable, or nobody knows; with what is said of it.
    InPart(ReceiptStatus),
    /// It is not there.
    Not {
        /// What is said of it where no other server is asked.
        status: ReceiptStatus,
        /// How old it is by its sender's clock, in milliseconds, where its id tells.
        age_ms: Option<u64>,
    },
}

impl Found {
    /// Whether another server may know more.
    pub fn is_open(self) -> bool {
        matches!(self, Self::InPart(_) | Self::Not { .. })
    }

    /// What is said where no other server is asked; `None` where the sender is to ask again.
    pub fn alone(self) -> Option<ReceiptStatus> {
        match self {
            Self::Stored => Some(ReceiptStatus::Stored),
            Self::InFlight => None,
            Self::InPart(status) | Self::Not { status, .. } => Some(status),
        }
    }
}

/// What a reservation comes to.
#[derive(Debug)]
pub enum Reserved {
    /// The batch is durable already.
    Known,
    /// It is ours to store.
    New(Reservation),
}

/// A batch that is being stored; dropping it releases its id.
#[derive(Debug)]
#[must_use = "the id is released when this is dropped"]
pub struct Reservation {
    receipts: Receipts,
    digest: Digest,
    seconds: u32,
    stored: EventSet,
    /// Its end wakes those who wait for this batch.
    _fate: watch::Sender<()>,
}

impl Reservation {
    /// The events of this batch that an earlier copy has stored.
    pub fn stored(&self) -> EventSet {
        self.stored.clone()
    }

    /// Adds events that another server has stored of it.
    pub fn add_stored(&mut self, stored: EventSet) {
        self.stored.add(stored);
    }

    /// Every event is durable, or will never be.
    pub async fn settle(self) {
        let entry = Entry::Known { digest: self.digest, seconds: self.seconds };
        self.put(entry).await;
    }

    /// The store did not say in time, and may have the events all the same: whoever asks is told `expired`, so that the
    /// copies are marked.
    pub async fn doubt(self) {
        if self.stored.is_empty() {
            let entry =
                Entry::Partial { digest: self.digest, seconds: self.seconds, stored: EventSet::default() };
            self.put(entry).await;
        }
    }

    /// Only these events are durable, those of earlier copies included; the batch may come again for the rest.
    pub async fn settle_in_part(self, stored: EventSet) {
        if stored != self.stored {
            let entry = Entry::Partial { digest: self.digest, seconds: self.seconds, stored };
            self.put(entry).await;
        }
    }

    /// Takes an entry in. It is written as this is dropped, and those that are settled in the same moment in one go: where there
    /// may be some, they have their turn first.
    async fn put(self, entry: Entry) {
        let has_company = {
            let mut memory = self.receipts.lock();
            memory.put(entry);
            memory.in_flight.len() > 1
        };
        if has_company {
            yield_now().await;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut memory = self.receipts.lock();
        memory.write();
        memory.in_flight.remove(&self.digest);
    }
}

#[cfg(test)]
mod tests;
