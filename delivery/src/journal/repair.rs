//! What the writer does when the journal proves damaged under it: it goes on in a copy of what can be read.
//! How that copy comes to be is `salvage`'s.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::JournalSettings;
use super::database::{Database, WriteError};
use super::salvage::{self, Salvaged};
use super::writer::Writer;
use crate::error::OpenError;

/// On a disk that damages what was just copied, or has no room for it, copies would only keep it busy.
const BETWEEN: Duration = Duration::from_secs(10 * 60);

/// What is needed to open the journal anew.
#[derive(Debug)]
pub(super) struct Repair {
    path: PathBuf,
    settings: JournalSettings,
    last: Option<Instant>,
    /// Why the last copy could not be made.
    failure: Option<String>,
    /// Why no file is open.
    closed: Option<String>,
}

impl Repair {
    pub(super) fn new(path: PathBuf, settings: JournalSettings) -> Self {
        Self { path, settings, last: None, failure: None, closed: None }
    }

    /// The file could not be opened, and not be replaced.
    pub(super) fn is_closed_for(&mut self, reason: String) {
        self.last = Some(Instant::now());
        self.closed = Some(reason);
    }

    /// Why nothing can be written, where no file is open.
    pub(super) fn closed(&self) -> Option<WriteError> {
        self.closed.clone().map(WriteError::Io)
    }

    /// Says with damage why nothing was done about it.
    pub(super) fn in_words(&self, error: WriteError) -> WriteError {
        match (error, &self.failure) {
            (WriteError::Damaged(reason), Some(failure)) => {
                WriteError::Damaged(format!("{reason}: {failure}"))
            }
            (error, _) => error,
        }
    }

    fn is_too_soon(&self) -> bool {
        self.last.is_some_and(|last| last.elapsed() < BETWEEN)
    }
}

impl Writer {
    /// Replaces the damaged file where the journal is the store; `false` where that may not be now, or failed. Where Kafka is
    /// set, most of what is damaged keeps nothing from being written, and waits for the next start.
    pub(super) fn mend(&mut self, reason: &str) -> bool {
        self.outbox.is_none() && self.replace(reason)
    }

    /// Replaces the damaged file by what can be read of it, under the same numbers; `false` as above.
    pub(super) fn replace(&mut self, reason: &str) -> bool {
        if self.repair.closed.is_some() || self.repair.is_too_soon() {
            return false;
        }
        let Ok(closed) = Database::closed() else { return false };
        self.health.set_not_ready(format!(
            "the journal is damaged ({reason}), what can be read of it is being copied"
        ));
        self.database = closed;
        let Repair { path, settings, .. } = &self.repair;
        let replaced = salvage::replace(path, settings, reason);
        self.opened(replaced)
    }

    /// Opens the file where an earlier try failed.
    pub(super) fn open_again(&mut self) {
        if self.repair.closed.is_some() && !self.repair.is_too_soon() {
            let opened = salvage::open(&self.repair.path, &self.repair.settings);
            self.opened(opened);
        }
    }

    fn opened(&mut self, opened: Result<Salvaged, OpenError>) -> bool {
        self.repair.last = Some(Instant::now());
        match opened {
            Ok(Salvaged { database, lost }) => {
                self.database = database;
                (self.repair.failure, self.repair.closed) = (None, None);
                // What was found before is among them, also by the drain, which counts for itself.
                let told = self.outbox.as_ref().map_or(0, |(books, _)| books.replaced());
                let unreadable = &self.counters.unreadable_rows;
                unreadable.set(unreadable.get().max(lost.saturating_sub(told)));
                self.retention.look_now();
                true
            }
            Err(error) => {
                let words = error.to_string();
                tracing::error!("the damaged journal cannot be replaced: {words}");
                // What does not come to the damaged page goes on as before.
                match salvage::reopen(&self.repair.path, &self.repair.settings) {
                    Some(database) => (self.database, self.repair.closed) = (database, None),
                    None => self.repair.closed = Some(words.clone()),
                }
                self.repair.failure = Some(words);
                false
            }
        }
    }
}
