//! Where a batch is made durable: in the journal alone, or in Kafka with the journal behind it.
//! The settings choose; what is done while Kafka is away is decided in `fallback`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::at_most_once::AtMostOnceSink;
use crate::budget::MemoryBudget;
use crate::completion::Completion;
use crate::error::OpenError;
use crate::fallback::{FallbackSettings, FallbackSink};
use crate::journal::{JournalSink, OutboxReader, take_directory};
use crate::kafka::Guarantee;
use crate::readiness::Readiness;
use crate::receipt::Stored;
use crate::record::Batch;
use crate::settings::DeliverySettings;
use crate::stats::{Counters, FallbackStats, JournalStats};

pub(crate) enum Sink {
    Journal(JournalSink),
    Kafka(FallbackSink),
    AtMostOnce(AtMostOnceSink),
}

impl Sink {
    pub(crate) fn open(
        settings: &DeliverySettings,
        budget: &Arc<MemoryBudget>,
        counters: &Arc<Counters>,
    ) -> Result<Self, OpenError> {
        match &settings.kafka {
            Some(kafka) if kafka.guarantee == Guarantee::AtMostOnce => {
                let directory = take_directory(&settings.data_dir)?;
                warn_of_journal(&settings.data_dir);
                AtMostOnceSink::open(kafka, settings.memory_max_bytes, directory).map(Self::AtMostOnce)
            }
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
            Self::AtMostOnce(kafka) => kafka.submit(batch, completion),
        }
    }

    /// What is said of a batch without records.
    pub(crate) fn nothing_stored(&self) -> Stored {
        match self {
            Self::Journal(_) => Stored::Journal,
            Self::Kafka(_) => Stored::Kafka(Vec::new()),
            Self::AtMostOnce(_) => Stored::Memory,
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        match self {
            Self::Journal(journal) => journal.readiness(),
            Self::Kafka(kafka) => kafka.readiness(),
            Self::AtMostOnce(kafka) => kafka.readiness(),
        }
    }

    pub(crate) fn journal_stats(&self) -> JournalStats {
        match self {
            Self::Journal(journal) => journal.stats(),
            Self::Kafka(kafka) => kafka.journal_stats(),
            Self::AtMostOnce(_) => JournalStats::default(),
        }
    }

    pub(crate) fn fallback_stats(&self) -> Option<FallbackStats> {
        match self {
            Self::Journal(_) => None,
            Self::Kafka(kafka) => Some(kafka.stats()),
            Self::AtMostOnce(kafka) => Some(kafka.stats()),
        }
    }

    /// The journal takes over from Kafka after this time at the latest; without one of the two there is nothing to hurry.
    pub(crate) fn hurry(&self, patience: Duration) {
        if let Self::Kafka(kafka) = self {
            kafka.hurry(patience);
        }
    }

    /// Takes no more and settles what is there; `false` if something was left at the deadline.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        match self {
            Self::Journal(journal) => journal.close(deadline),
            Self::Kafka(kafka) => kafka.close(deadline),
            Self::AtMostOnce(kafka) => kafka.close(deadline),
        }
    }
}

/// At-most-once keeps no journal, but an earlier guarantee may have left acknowledged events in one.
fn warn_of_journal(data_dir: &Path) {
    if let Ok(Some((first, last))) = OutboxReader::open(data_dir).and_then(|reader| reader.ends()) {
        tracing::warn!(
            "the journal in {} holds rows {first} to {last} for Kafka, which kafka.guarantee = \"at-most-once\" leaves alone: \
             they wait until it is at-least-once or exactly-once again",
            data_dir.display()
        );
    }
}
