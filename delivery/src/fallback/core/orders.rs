//! What the core is bounded by, and what it tells the threads around it: where a batch goes, what follows from a record's
//! fate, what is to be written.

use std::sync::Arc;
use std::time::Duration;

use crate::completion::AppendResult;
use crate::fallback::offsets::Known;
use crate::fallback::ranges::SeqRanges;
use crate::receipt::RecordFailure;
use crate::record::{Batch, Record, Stream};

/// Bounds of what the producer may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) slow_after: Duration,
    /// Bytes in flight above which less patience is had with brokers that are silent. Those that answer, but slower than
    /// events come, are no outage: the bound of the memory refuses what is too much.
    pub(crate) in_flight_bytes: usize,
    /// Bytes in flight at which the drain pauses.
    pub(crate) drain_bytes: usize,
    /// With so few rows left, new batches wait in memory for them to be handed over.
    pub(crate) join_rows: u64,
}

/// Where a batch goes.
pub(crate) enum Admitted<W> {
    /// Each record is to be produced under a ticket of this slot.
    Produce(usize),
    /// It is to be written to the journal.
    Journal(W),
    /// It waits in the core.
    Parked,
    Closed(W),
}

/// What follows from the fate of one record.
pub(crate) struct Settled<W> {
    /// The batch is at its end; what is to be said to its waiter, if that was not done before.
    pub(crate) ended: Option<(W, Option<AppendResult>)>,
    /// A record that Kafka refuses for good, with the row that it stood in.
    /// In a box: few are, and what is told of every record is smaller for it.
    pub(crate) set_aside: Option<Box<SetAside>>,
    /// Rows wait to be deleted.
    pub(crate) rows_delivered: bool,
}

/// A record that no retry can help.
#[derive(Debug)]
pub(crate) struct SetAside {
    pub(crate) record: Record,
    pub(crate) stream: Stream,
    pub(crate) failure: RecordFailure,
    pub(crate) row: Option<i64>,
}

/// A batch whose open records are to be copied to the journal.
#[derive(Clone, Debug)]
pub(crate) struct CopyJob {
    pub(crate) slot: usize,
    pub(crate) id: u64,
    pub(crate) batch: Arc<Batch>,
}

/// What goes to the journal as the breaker opens, in this order.
pub(crate) struct Opened<W> {
    pub(crate) copies: Vec<CopyJob>,
    pub(crate) parked: Vec<(Arc<Batch>, W)>,
}

/// What one transaction is to hold beside the batches that wait for it.
#[derive(Debug, Default)]
pub(crate) struct CommitPlan {
    pub(crate) delete: SeqRanges,
    pub(crate) offsets: Vec<Known>,
    /// For each copy, the numbers of the records that are still open.
    pub(crate) copies: Vec<Vec<usize>>,
}

/// Counts for metrics; totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) drained: u64,
    pub(crate) late: u64,
    pub(crate) possible_duplicates: u64,
    pub(crate) set_aside: u64,
    /// Rows that the drain could not read; those that were set aside are the journal's to count.
    pub(crate) damaged: u64,
}
