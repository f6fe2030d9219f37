//! Where a batch is made durable: in the journal alone, or in Kafka with the journal behind it.
//! The settings choose; what is done while Kafka is away is decided in `fallback`.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::OpenError;
use crate::fallback::{FallbackSettings, FallbackSink};
use crate::journal::JournalSink;
use crate::readiness::Readiness;
use crate::receipt::Stored;
use crate::record::Batch;
use crate::settings::DeliverySettings;
use crate::stats::{Counters, FallbackStats, JournalStats};

pub(crate) enum Sink {
    Journal(JournalSink),
    Kafka(FallbackSink),
}

impl Sink {
    pub(crate) fn open(
        settings: &DeliverySettings,
        budget: &Arc<MemoryBudget>,
        counters: &Arc<Counters>,
    ) -> Result<Self, OpenError> {
        match &settings.kafka {
            Some(kafka) => FallbackSink::open(FallbackSettings {
                data_dir: settings.data_dir.clone(),
                journal: &settings.journal,
                kafka,
                memory_max_bytes: settings.memory_max_bytes,
                budget: Arc::clone(budget),
                counters: Arc::clone(counters),
            })
            .map(Self::Kafka),
            None => JournalSink::open(&settings.data_dir, &settings.journal).map(Self::Journal),
        }
    }

    /// Takes the batch without blocking; its fate is told through the completion, exactly once.
    pub(crate) fn submit(&self, batch: Batch, completion: Completion) {
        match self {
            Self::Journal(journal) => journal.submit(batch, completion),
            Self::Kafka(kafka) => kafka.submit(batch, completion),
        }
    }

    /// What is said of a batch without records.
    pub(crate) fn nothing_stored(&self) -> Stored {
        match self {
            Self::Journal(_) => Stored::Journal,
            Self::Kafka(_) => Stored::Kafka(Vec::new()),
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        match self {
            Self::Journal(journal) => journal.readiness(),
            Self::Kafka(kafka) => kafka.readiness(),
        }
    }

    pub(crate) fn journal_stats(&self) -> JournalStats {
        match self {
            Self::Journal(journal) => journal.stats(),
            Self::Kafka(kafka) => kafka.journal_stats(),
        }
    }

    pub(crate) fn fallback_stats(&self) -> Option<FallbackStats> {
        match self {
            Self::Journal(_) => None,
            Self::Kafka(kafka) => Some(kafka.stats()),
        }
    }

    /// Takes no more and settles what is there; `false` if something was left at the deadline.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        match self {
            Self::Journal(journal) => journal.close(deadline),
            Self::Kafka(kafka) => kafka.close(deadline),
        }
    }
}
