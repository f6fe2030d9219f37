//! What a caller gets back once its batch is durable.
//! What is said when it is not stands in `error`.

use std::time::Instant;

/// Where one record stands in the topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// The partition, counted from 0.
    pub partition: i32,
    /// The offset within that partition, counted from 0.
    pub offset: i64,
}

/// Where a batch was made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the journal on this machine's disk, fsynced.
    Journal,
    /// In memory alone, on its way to Kafka, and nobody has acknowledged it: only where the guarantee is at-most-once.
    Memory,
    /// In the Kafka topic, acknowledged by every in-sync replica; one position a record, in record order.
    Kafka(Vec<Position>),
}

/// The proof that every record of a batch is durable, or was taken where the guarantee is at-most-once.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Where the records are.
    pub stored: Stored,
    /// When the store's word was here, a moment before its caller goes on. For metrics.
    pub known_at: Instant,
}

/// By what is stored where, whenever that was known.
impl PartialEq for Receipt {
    fn eq(&self, other: &Self) -> bool {
        self.stored == other.stored
    }
}

impl Eq for Receipt {}

impl Receipt {
    /// A receipt of this moment.
    pub(crate) fn now(stored: Stored) -> Self {
        Self { stored, known_at: Instant::now() }
    }
}

/// What became of one record of a batch that was stored only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// It is durable at this place in the topic.
    Stored(Position),
    /// It is in the journal on this machine's disk, fsynced, and goes to Kafka from there.
    Journaled,
    /// It is not known to be durable.
    Failed(RecordFailure),
}

/// Why one record was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFailure {
    /// Stable name of the kind of failure, for answers and metric labels.
    pub code: &'static str,
    /// The cause in words, the broker's own where there are any.
    pub reason: String,
    /// Whether the same record may be accepted later; `false` where no retry can help.
    pub retry: bool,
}
