//! Durable hand-off of records: bounded memory, then the journal on disk or Kafka, behind one `append`.
//! What a record says and how it came here is left to its callers; there is no HTTP in this crate.
//!
//! It can be used alone: `examples/hand_over.rs` is a backend that hands over records of its own.
//!
//! | module | role |
//! |---|---|
//! | `delivery` | the entry: memory bound, hand-over, answer |
//! | `sink` | the choice between the journal alone and Kafka, by its guarantee |
//! | `fallback` | Kafka, and the journal while Kafka is away: what goes where, and how it comes back |
//! | [`journal`] | SQLite on this machine's disk, group commit, and its reader |
//! | `at_most_once` | Kafka alone, for records that are answered before anybody has acknowledged them |
//! | `recent` | what was stored last, read back after a restart |
//! | `kafka` | the producer, the probe of its topic, and its readers |
//! | `record`, `headers` | what is handed over, and how what a batch's records share is held once |
//! | `dead_letter` | what is kept of a record that Kafka refuses for good |
//! | `completion`, `budget` | one wake-up a batch; bytes held and given back |
//! | `clock` | when it is |

mod at_most_once;
mod budget;
mod clock;
mod completion;
mod dead_letter;
mod delivery;
mod error;
mod fallback;
mod headers;
pub mod journal;
mod kafka;
mod pace;
mod readiness;
mod receipt;
mod recent;
mod record;
mod settings;
mod sink;
mod stats;
mod threads;

pub use dead_letter::{is_refused_record, refused_record};
pub use delivery::{CloseOutcome, Delivery};
pub use error::{DeliveryError, OpenError, WrongSetting};
pub use fallback::KafkaState;
pub use headers::{HEADERS_IN_TEXT, Header, HeaderRef, Headers};
pub use journal::JournalSettings;
pub use kafka::{
    Compression, Finding, Guarantee, GuaranteeName, HotKeys, KafkaSasl, KafkaSecret, KafkaSettings, KafkaTls,
    Login, Partitioner, Replayer, TopicError, TopicReader, TopicRecord, TopicSettings, Weight, inspect,
};
pub use readiness::Readiness;
pub use receipt::{Position, Receipt, RecordFailure, RecordOutcome, Stored};
pub use recent::{RecentLimits, RecentRead, read_recent};
pub use record::{
    BATCH_MAX_RECORDS, Batch, HEADER_OVERHEAD_BYTES, Priority, RECORD_OVERHEAD_BYTES, Record, Stream,
};
pub use settings::DeliverySettings;
pub use stats::{DeliveryStats, FallbackStats, JournalStats, Percentiles, ProducerStats};
