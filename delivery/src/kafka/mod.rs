//! Kafka as it is reached here: the producer (by its guarantee idempotent, or in transactions), its reports, and questions.
//! What is produced when, and what happens while Kafka is away, is decided in `fallback`.

mod check;
mod compression;
mod config;
mod context;
mod ends;
mod events;
mod failure;
mod guarantee;
mod hand_over;
mod inspect;
mod lent;
mod outlets;
mod partitioning;
mod probe;
mod producer;
mod reader;
mod recent;
mod replayer;
mod security;
mod settings;
mod statistics;
mod tail;
mod topics;
mod transactions;
mod upkeep;
mod words;

pub use compression::Compression;
pub(crate) use config::DEFAULT_BATCH_BYTES;
pub(crate) use context::{Report, Reports};
pub(crate) use failure::{Refused, batch_error};
pub use guarantee::{Guarantee, GuaranteeName};
pub use inspect::{Finding, Weight, inspect};
pub use partitioning::{HotKeys, Partitioner};
pub(crate) use probe::{Found, Probe};
pub(crate) use producer::Producer;
pub use reader::{TopicError, TopicReader, TopicRecord};
pub(crate) use recent::RecentTopics;
pub use replayer::Replayer;
pub use security::{KafkaSasl, KafkaSecret, KafkaTls, Login};
pub use settings::KafkaSettings;
pub(crate) use statistics::{LastStatistics, Statistics};
pub(crate) use tail::Tail;
pub use topics::TopicSettings;
pub(crate) use upkeep::{HEALTHY_INTERVAL, POLL, take_over_files};
