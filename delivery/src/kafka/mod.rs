//! The Kafka topic as a place where batches are made durable: acks from all in-sync replicas, idempotent.
//! What happens while Kafka is away, beyond saying so in time, is decided elsewhere.

mod config;
mod context;
mod failure;
mod in_flight;
mod probe;
mod reader;
mod settings;
mod sink;

pub use reader::{TopicError, TopicReader, TopicRecord};
pub use settings::{Compression, KafkaSettings};
pub(crate) use sink::KafkaSink;
