//! What the writer does when the journal proves damaged under it: it goes on in a copy of what can be read.
//! How that copy comes to be is `salvage`'s.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::JournalSettings;
use super::database::Database;
use super::salvage::{self, Salvaged};
use super::writer::Writer;
use crate::error::OpenError;

/// On a disk that damages what was just copied, copies would only fill it.
const BETWEEN: Duration = Duration::from_secs(10 * 60);

/// What is needed to open the journal anew.
#[derive(Debug)]
pub(super) struct Repair {
    path: PathBuf,
    settings: JournalSettings,
    last: Option<Instant>,
    /// The file could not be opened again.
    is_closed: bool,
}

impl Repair {
    pub(super) fn new(path: PathBuf, settings: JournalSettings) -> Self {
        Self { path, settings, last: None, is_closed: false }
    }
}

impl Writer {
    /// Replaces the damaged file; `false` where that may not be now, or failed. Where Kafka is set the row numbers are in
    /// use elsewhere: there the next start does it.
    pub(super) fn mend(&mut self, reason: &str) -> bool {
        let is_too_soon = self.repair.last.is_some_and(|last| last.elapsed() < BETWEEN);
        if self.outbox.is_some() || is_too_soon {
            return false;
        }
        let Ok(closed) = Database::closed() else { return false };
        self.health.set_not_ready(format!(
            "the journal is damaged ({reason}), what can be read of it is being copied"
        ));
        self.database = closed;
        let Repair { path, settings, .. } = &self.repair;
        let replaced = salvage::replace(path, settings, reason);
        self.repair.last = Some(Instant::now());
        self.opened(replaced)
    }

    /// Opens the file where an earlier try failed.
    pub(super) fn open_again(&mut self) {
        if self.repair.is_closed {
            let opened = salvage::open(&self.repair.path, &self.repair.settings);
            self.opened(opened);
        }
    }

    fn opened(&mut self, opened: Result<Salvaged, OpenError>) -> bool {
        self.repair.is_closed = opened.is_err();
        match opened {
            Ok(Salvaged { database, lost }) => {
                self.database = database;
                // What was found before is among them.
                let unreadable = &self.counters.unreadable_rows;
                unreadable.set(unreadable.get().max(lost));
                self.retention.look_now();
                true
            }
            Err(error) => {
                tracing::error!("the damaged journal cannot be replaced: {error}");
                false
            }
        }
    }
}
