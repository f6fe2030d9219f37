//! What the journal's writer is asked to do; each job is answered once, after its transaction.
//! Why something is to be written is decided by whoever asks.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::damaged::Table;
use crate::completion::{AppendResult, Completion};
use crate::fallback::{CopyJob, SetAside, Waiter};
use crate::record::Batch;

/// One piece of work.
#[derive(Debug)]
pub(crate) enum Job {
    /// A batch that stays: the journal is the store.
    Store { batch: Batch, completion: Completion },
    /// A batch on its way to Kafka.
    Outbox { batch: Arc<Batch>, completion: Completion },
    /// The open records of a batch that the producer holds.
    Copy(CopyJob),
    /// A record that Kafka refuses for good, and its row if it has one.
    SetAside(SetAside),
    /// A row that does not fit its checksum.
    SetAsideDamaged { table: Table, seq: i64, reason: String },
    /// Nothing but the offsets that go with each transaction; tells whether they were written.
    KeepOffsets(Sender<bool>),
}

impl Job {
    /// What it adds to a transaction, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Store { batch, .. } => batch.size_bytes(),
            Self::Outbox { batch, .. } => batch.size_bytes(),
            Self::Copy(job) => job.size_bytes(),
            Self::SetAside(SetAside { record, .. }) => record.size_bytes(),
            Self::SetAsideDamaged { .. } | Self::KeepOffsets(_) => 0,
        }
    }

    /// Answers whoever waits for it.
    pub(crate) fn answer(self, result: AppendResult) {
        match self {
            Self::Store { completion, .. } | Self::Outbox { completion, .. } => completion.complete(result),
            // Nobody listens any more where the other end gave up.
            Self::KeepOffsets(kept) => drop(kept.send(result.is_ok())),
            // Told to the books.
            Self::Copy(_) | Self::SetAside(_) | Self::SetAsideDamaged { .. } => {}
        }
    }
}

impl Waiter for Completion {
    fn answer(&mut self, result: AppendResult) {
        self.answer_early(result);
    }
}
