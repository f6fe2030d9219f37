//! The write-ahead log of the journal: how long it is, when it is folded into the file, and what that means at its bound.
//! What is written to it is decided elsewhere.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::database::{BUSY_TIMEOUT, Database, WriteError};
use super::words::in_words;

/// How long the writer waits for a read to end when the write-ahead log has grown too long.
const FOLD_TIMEOUT: Duration = Duration::from_millis(50);

/// What the write-ahead log adds to each page.
const WAL_FRAME_HEADER_BYTES: u64 = 24;

impl Database {
    pub(super) fn wal_bytes(&self) -> u64 {
        self.frames_to_bytes(self.wal_frames.load(Ordering::Relaxed))
    }

    fn unfolded_bytes(&mut self) -> u64 {
        let frames = self.wal_frames.load(Ordering::Relaxed);
        if frames < self.folded_frames {
            // The log has started over.
            self.folded_frames = 0;
        }
        self.frames_to_bytes(frames - self.folded_frames)
    }

    fn frames_to_bytes(&self, frames: u64) -> u64 {
        frames * (self.page_bytes + WAL_FRAME_HEADER_BYTES)
    }

    /// Refuses while the write-ahead log is at its bound and a read, or the disk, keeps it from being folded.
    pub(super) fn make_wal_room(&mut self) -> Result<(), WriteError> {
        if self.wal_bytes() < self.wal_max_bytes {
            return Ok(());
        }
        self.fold();
        if self.wal_bytes() < self.wal_max_bytes {
            return Ok(());
        }
        // A read that lasts is no failure of the checkpoint, which folds what it can.
        if let Some(words) = &self.fold_failure {
            return Err(WriteError::Io(words.clone()));
        }
        Err(WriteError::Full(format!(
            "its write-ahead log has {} of at most {} bytes, and a long read of the journal holds it back",
            self.wal_bytes(),
            self.wal_max_bytes
        )))
    }

    pub(super) fn is_log_at_bound(&self) -> bool {
        self.wal_bytes() >= self.wal_max_bytes
    }

    /// Folds the write-ahead log into the file once it is long enough to be worth two fsyncs.
    pub(super) fn fold_when_due(&mut self) {
        if self.unfolded_bytes() >= self.wal_max_bytes / 16 {
            self.fold();
        }
    }

    /// A failure here loses nothing: what was acknowledged is in the log, and the log's own bound stops it.
    fn fold(&mut self) {
        match self.checkpoint() {
            Ok(()) => self.fold_failure = None,
            Err(error) => {
                let words =
                    format!("its write-ahead log cannot be folded into its file: {}", in_words(&error));
                if self.fold_failure.replace(words.clone()).is_none() {
                    tracing::warn!("the journal cannot be tidied up: {words}");
                }
            }
        }
    }

    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        self.checkpoint_pragma("PRAGMA wal_checkpoint(PASSIVE)")?;
        if self.wal_bytes() < self.wal_max_bytes / 4 {
            return Ok(());
        }
        // Reads have kept the log from starting over: wait for them a little.
        self.connection.busy_timeout(FOLD_TIMEOUT)?;
        let truncated = self.checkpoint_pragma("PRAGMA wal_checkpoint(TRUNCATE)");
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        truncated
    }

    fn checkpoint_pragma(&mut self, pragma: &str) -> rusqlite::Result<()> {
        let frames: i64 = self.connection.query_row(pragma, [], |row| row.get(1))?;
        self.folded_frames = frames.max(0).unsigned_abs();
        self.wal_frames.store(self.folded_frames, Ordering::Relaxed);
        Ok(())
    }
}

/// Counts the pages of the write-ahead log. SQLite's own checkpoints use the same hook, so they are off before.
pub(super) fn watch_log(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU64>> {
    let frames = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&frames);
    connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
        told.store(pages.max(0).unsigned_abs().into(), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(frames)
}
