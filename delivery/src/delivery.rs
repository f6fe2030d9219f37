//! The one entry: `append` takes a batch, holds it within the memory bound and answers once it is durable.
//! How it becomes durable is the sink's business.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::{DeliveryError, OpenError};
use crate::readiness::Readiness;
use crate::receipt::Receipt;
use crate::record::{BATCH_MAX_RECORDS, Batch};
use crate::settings::DeliverySettings;
use crate::sink::Sink;
use crate::stats::{Counters, DeliveryStats};

/// What a [`Delivery::close`] left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CloseOutcome {
    /// Every record that was taken has been answered.
    Drained,
    /// The deadline came first. Those records were not acknowledged; they may be stored all the same.
    Unsettled {
        /// How many.
        records: usize,
    },
}

/// Makes records durable, in the journal or in Kafka. Clones share everything.
///
/// ```
/// use footfall_delivery::{Batch, CloseOutcome, Delivery, DeliverySettings, Header, Record, Stored};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let delivery = Delivery::open(DeliverySettings::new(directory.path()))?;
/// let record = Record {
///     key: Some("user-1".into()),
///     headers: vec![Header::new("ce_type", "post_view")].into(),
///     payload: r#"{"event":"post_view"}"#.into(),
///     ..Record::default()
/// };
/// let receipt = delivery.append(Batch::new(vec![record])).await?;
/// assert_eq!(receipt.stored, Stored::Journal); // fsynced: it survives the process and the power
/// assert_eq!(delivery.close(Duration::from_secs(10)), CloseOutcome::Drained);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    sink: Sink,
    budget: Arc<MemoryBudget>,
    counters: Arc<Counters>,
}

impl Delivery {
    /// Checks the settings as a whole and opens the journal and, where it is set, Kafka.
    ///
    /// A store that cannot be written now (brokers away, disk full) is no error: see [`Self::readiness`].
    ///
    /// # Errors
    ///
    /// A setting that is wrong, a data directory that cannot be used, a journal that is not ours, is newer or is
    /// in use.
    pub fn open(settings: DeliverySettings) -> Result<Self, OpenError> {
        if let Some(wrong) = settings.check().into_iter().next() {
            return Err(wrong.into());
        }
        let budget = MemoryBudget::new(settings.memory_max_bytes);
        let counters = Arc::new(Counters::default());
        let inner = Inner { sink: Sink::open(&settings, &budget, &counters)?, budget, counters };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes a batch durable; `Ok` means that every record is, or, where the guarantee is at-most-once, that it was taken
    /// ([`Stored::Memory`](crate::Stored::Memory)). An empty batch is durable at once.
    ///
    /// The wait is bounded: by the fsyncs of what was there before in the journal, which takes over from a Kafka that has
    /// not acknowledged within `kafka.slow_after`. A future that is dropped while it waits takes nothing back: the records are still stored.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; after any of them but `BatchTooLarge` and `Partial` no record is known to be durable.
    pub async fn append(&self, batch: Batch) -> Result<Receipt, DeliveryError> {
        let Inner { sink, budget, counters } = self.inner.as_ref();
        let (records, wanted_bytes) = (batch.len(), batch.size_bytes());
        let limit_bytes = budget.limit_bytes();
        if records > BATCH_MAX_RECORDS || wanted_bytes > limit_bytes {
            counters.refused_records.add(records);
            return Err(DeliveryError::BatchTooLarge {
                bytes: wanted_bytes,
                max_bytes: limit_bytes,
                records,
                max_records: BATCH_MAX_RECORDS,
            });
        }
        if batch.is_empty() {
            return Ok(Receipt::now(sink.nothing_stored()));
        }
        let reservation = budget.try_reserve(wanted_bytes, records).map_err(|used_bytes| {
            counters.refused_records.add(records);
            DeliveryError::MemoryFull { wanted_bytes, used_bytes, limit_bytes }
        })?;
        let (completion, waiter) = Completion::new(reservation, Arc::clone(counters));
        sink.submit(batch, completion);
        // The other end is dropped without an answer only where the store ended before its time.
        waiter.await.unwrap_or(Err(DeliveryError::Closed))
    }

    /// Whether something durable can be written now, as last seen; cheap enough for every probe.
    pub fn readiness(&self) -> Readiness {
        self.inner.sink.readiness()
    }

    /// Bytes of records that are not durable yet, and how many there may be; cheap enough for every request.
    pub fn memory(&self) -> (usize, usize) {
        (self.inner.budget.used_bytes(), self.inner.budget.limit_bytes())
    }

    /// The counts for metrics; cheap.
    pub fn stats(&self) -> DeliveryStats {
        let Inner { sink, budget, counters } = self.inner.as_ref();
        DeliveryStats {
            memory_bytes: budget.used_bytes(),
            memory_max_bytes: budget.limit_bytes(),
            memory_records: budget.held_records(),
            appended_batches: counters.appended_batches.get(),
            appended_records: counters.appended_records.get(),
            failed_records: counters.failed_records.get(),
            refused_records: counters.refused_records.get(),
            journal: sink.journal_stats(),
            kafka: sink.fallback_stats(),
        }
    }

    /// A stop begins, and callers that still wait are to be answered before [`Self::close`]: from now on the journal takes
    /// over from a Kafka that has not acknowledged within `patience`, where `kafka.slow_after` is longer.
    pub fn hurry(&self, patience: Duration) {
        self.inner.sink.hurry(patience);
    }

    /// Takes nothing more and waits, blocking this thread, until what was taken is durable or the deadline is
    /// over. What Kafka does not acknowledge in time goes to the journal, and to Kafka with the next start; a journal
    /// whose disk hangs answers when the disk does. A second call finds nothing left to do.
    pub fn close(&self, deadline: Duration) -> CloseOutcome {
        if self.inner.sink.close(deadline) {
            return CloseOutcome::Drained;
        }
        CloseOutcome::Unsettled { records: self.inner.budget.held_records() }
    }
}
