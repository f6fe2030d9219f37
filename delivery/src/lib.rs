//! Durable hand-off of records: bounded memory, then the journal on disk or Kafka, behind one `append`.
//! What a record says and how it came here is left to its callers; there is no HTTP in this crate.
//!
//! | module | role |
//! |---|---|
//! | `delivery` | the entry: memory bound, hand-over, answer |
//! | `sink` | the choice between journal and Kafka |
//! | [`journal`] | SQLite on this machine's disk, group commit, and its reader |
//! | `kafka` | the producer and the probe of its topic |
//! | `completion`, `budget` | one wake-up a batch; bytes held and given back |

mod budget;
mod completion;
mod delivery;
mod error;
pub mod journal;
mod kafka;
mod pace;
mod readiness;
mod receipt;
mod record;
mod settings;
mod sink;
mod stats;

pub use delivery::{CloseOutcome, Delivery};
pub use error::{DeliveryError, OpenError, WrongSetting};
pub use journal::JournalSettings;
pub use kafka::{Compression, KafkaSettings, TopicError, TopicReader, TopicRecord};
pub use readiness::Readiness;
pub use receipt::{Position, Receipt, RecordFailure, RecordOutcome, Stored};
pub use record::{
    BATCH_MAX_RECORDS, Batch, HEADER_OVERHEAD_BYTES, Header, Priority, RECORD_OVERHEAD_BYTES, Record, Stream,
};
pub use settings::DeliverySettings;
pub use stats::{DeliveryStats, JournalStats};
