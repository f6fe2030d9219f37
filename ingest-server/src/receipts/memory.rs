//! What is remembered, in memory and on disk: known ids, batches stored in part, and how far back both reach.
//! Who waits for whom is decided above.

use super::digest::{Digest, Salt};
use super::entry::Entry;
use super::files::{Files, Found, LastRun};
use super::horizon::Horizon;
use super::journal;
use super::order::Expected;
use super::partial::Partials;
use crate::known_ids::{Known, end_of, seconds};
use crate::stamp::unix_ms;
use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;
use tokio::sync::watch;

/// The share of the memory that is for batches stored in part: one in so many.
const PARTIAL_SHARE: usize = 64;

#[derive(Debug)]
pub(super) struct Memory {
    pub(super) known: Known,
    pub(super) partials: Partials,
    /// The batches that are being stored; each tells by its end that its fate is decided.
    pub(super) in_flight: HashMap<Digest, watch::Receiver<()>>,
    pub(super) expected: Expected,
    pub(super) horizon: Horizon,
    /// A time by which all was received that was ever remembered. Our clock may be set back, and a horizon in front of
    /// what is lost would call that `unseen`.
    latest: i64,
    /// Ids given up for newer ones since the start.
    pub(super) evicted: u64,
    /// `None` once the disk has failed.
    pub(super) files: Option<Files>,
}

impl Memory {
    pub(super) fn open(data_dir: &Path, max_bytes: usize, journal: bool) -> (Self, Salt) {
        let now = unix_ms(SystemTime::now());
        let partial_bytes = max_bytes / PARTIAL_SHARE;
        let mut memory = Self {
            known: Known::new(max_bytes - partial_bytes),
            partials: Partials::new(partial_bytes),
            in_flight: HashMap::new(),
            expected: Expected::new(),
            horizon: Horizon { at: i64::MIN, lossy: false },
            latest: now,
            evicted: 0,
            files: None,
        };
        let dir = data_dir.join("receipts");
        let ids = memory.known.capacity();
        let opened = Files::open(&dir, ids, now, |entry| memory.remember(entry));
        let Found { files, last_run, begun_at, begun_again } = match opened {
            Ok(found) => found,
            Err(error) => {
                let dir = dir.display();
                tracing::error!(%error, "batch ids are not kept over a restart: {dir} cannot be used");
                memory.horizon.raise(memory.latest);
                return (memory, Salt::random());
            }
        };
        let salt = files.salt;
        memory.files = Some(files);
        memory.horizon.at = memory.horizon.at.max(begun_at);
        memory.horizon.lossy |= begun_again;
        if last_run != LastRun::Stopped {
            let filled = journal && memory.fill_from_journal(&salt, data_dir);
            // After a kill the files lack what was being answered; the journal's end has it, a topic's is not read.
            if last_run == LastRun::Lost || (last_run == LastRun::Killed && !filled) {
                tracing::warn!("the last run did not stop cleanly: batch ids from before may be missing");
                memory.settle(Entry::Horizon { at: memory.latest });
            }
        }
        memory.evicted = 0;
        tracing::debug!(ids = memory.known.len(), ?last_run, "batch ids read");
        (memory, salt)
    }

    /// Takes an entry in, and writes it.
    fn settle(&mut self, entry: Entry) {
        self.put(entry);
        self.write();
    }

    /// Takes an entry in, for the next [`Self::write`].
    pub(super) fn put(&mut self, entry: Entry) {
        if let Some(files) = &mut self.files {
            files.put(&entry);
        }
        self.remember(entry);
    }

    fn remember(&mut self, entry: Entry) {
        if let Entry::Known { seconds, .. } | Entry::Partial { seconds, .. } = entry {
            self.latest = self.latest.max(end_of(seconds));
        }
        let gone = match entry {
            Entry::Known { digest, seconds } => {
                self.partials.remove(&digest);
                let gone = self.known.insert(digest, seconds);
                self.evicted += u64::from(gone.is_some());
                gone
            }
            Entry::Partial { digest, seconds, stored } => self.partials.insert(digest, stored, seconds),
            Entry::Horizon { at } => Some(at),
        };
        if let Some(at) = gone {
            self.horizon.raise(at);
        }
    }

    /// Writes what was put, unless somebody has.
    pub(super) fn write(&mut self) {
        let Some(mut files) = self.files.take_if(|files| files.has_unwritten()) else { return };
        match files.write(self.latest.max(unix_ms(SystemTime::now()))) {
            Ok(()) => self.files = Some(files),
            Err(error) => {
                tracing::error!(%error, "batch ids cannot be written; until the next start they are in memory only");
                files.give_up();
            }
        }
    }

    /// Whether the journal's end made up for everything that the files may lack.
    fn fill_from_journal(&mut self, salt: &Salt, data_dir: &Path) -> bool {
        let read = journal::read_end(data_dir, |write_key, batch_id, appended_at| {
            let digest = salt.digest(write_key, batch_id);
            if !self.known.contains(&digest) {
                self.settle(Entry::Known { digest, seconds: seconds(appended_at) });
            }
        });
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal's end cannot be read for batch ids");
            false
        })
    }
}
