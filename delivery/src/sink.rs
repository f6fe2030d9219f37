//! Where a batch is made durable: the one place that chooses between the journal and Kafka.
//! Today the settings choose; whoever chooses by the state of Kafka will do it here.

use std::time::Duration;

use crate::completion::Completion;
use crate::error::OpenError;
use crate::journal::JournalSink;
use crate::kafka::KafkaSink;
use crate::readiness::Readiness;
use crate::receipt::Stored;
use crate::record::Batch;
use crate::settings::DeliverySettings;
use crate::stats::JournalStats;

pub(crate) enum Sink {
    Journal(JournalSink),
    Kafka(KafkaSink),
}

impl Sink {
    pub(crate) fn open(settings: &DeliverySettings) -> Result<Self, OpenError> {
        match &settings.kafka {
            Some(kafka) => KafkaSink::open(kafka, settings.memory_max_bytes).map(Self::Kafka),
            None => JournalSink::open(&settings.data_dir, &settings.journal).map(Self::Journal),
        }
    }

    /// Takes the batch without blocking; its fate is told through the completion, exactly once.
    pub(crate) fn submit(&self, batch: Batch, completion: Completion) {
        match self {
            Self::Journal(journal) => journal.submit(batch, completion),
            Self::Kafka(kafka) => kafka.submit(&batch, completion),
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

    pub(crate) fn journal_stats(&self) -> Option<JournalStats> {
        match self {
            Self::Journal(journal) => Some(journal.stats()),
            Self::Kafka(_) => None,
        }
    }

    /// Takes no more and settles what is there; `false` if something was left at the deadline.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        match self {
            Self::Journal(journal) => journal.close(deadline),
            Self::Kafka(kafka) => kafka.close(deadline) == 0,
        }
    }
}
