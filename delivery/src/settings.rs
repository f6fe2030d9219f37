//! The settings of a delivery, which are those of its parts beside the one bound that all share.
//! Where they are read from is left to the caller.

use std::path::PathBuf;

use crate::error::WrongSetting;
use crate::journal::JournalSettings;
use crate::kafka::KafkaSettings;

/// Where records go and what they may take on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    /// The directory of the journal; made if it is missing.
    pub data_dir: PathBuf,
    /// The most bytes that unacknowledged records may take in memory. Default 64 MiB.
    pub memory_max_bytes: usize,
    /// The bounds of the journal.
    pub journal: JournalSettings,
    /// The Kafka topic that records go to; with `None` the journal is the store.
    pub kafka: Option<KafkaSettings>,
}

impl DeliverySettings {
    /// The smallest `memory_max_bytes` that is taken: 1 MiB.
    pub const MIN_MEMORY_BYTES: usize = 1 << 20;

    /// The defaults: the journal in this directory is the store.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            memory_max_bytes: 64 << 20,
            journal: JournalSettings::default(),
            kafka: None,
        }
    }

    /// Everything that is wrong with the settings, by themselves or together. Nothing is opened or connected to.
    ///
    /// librdkafka refuses some combinations of `kafka.properties` only when a client is made (`retries=0`, a
    /// missing certificate file): those are told by [`Delivery::open`](crate::Delivery::open).
    pub fn check(&self) -> Vec<WrongSetting> {
        let mut wrong = Vec::new();
        if self.memory_max_bytes < Self::MIN_MEMORY_BYTES {
            let least = Self::MIN_MEMORY_BYTES;
            let reason = format!("{} bytes is too small, at least {least} are needed", self.memory_max_bytes);
            wrong.push(WrongSetting::new("memory.max_bytes", reason));
        }
        self.journal.check(&mut wrong);
        if let Some(kafka) = &self.kafka {
            kafka.check(self.memory_max_bytes, &mut wrong);
        }
        wrong
    }
}
