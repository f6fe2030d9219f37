//! Kafka, and the journal while Kafka is away: one place where batches are made durable whatever happens to the brokers.
//! `core` decides, without I/O; the threads around it produce, write and read as it says.
//!
//! | thread | what it does |
//! |---|---|
//! | a caller's | hands a batch to the producer, or to the journal's queue |
//! | a task on the caller's runtime | takes the producer's reports; where there is none, the next thread does |
//! | `footfall-kafka-poll` | opens the breaker when it is due; takes reports that nobody took |
//! | `footfall-kafka-watch` | looks whether Kafka is usable; after a crash, reads what it has already |
//! | `footfall-kafka-drain` | hands the journal's rows to the producer, in order |
//! | `footfall-journal` | writes and deletes rows |

mod books;
mod core;
mod drain;
mod gate;
mod in_flight;
mod offsets;
mod pacer;
mod phase;
mod ranges;
mod reconcile;
mod reports;
mod rows;
mod signal;
#[cfg(test)]
mod simulation;
mod sink;
mod ticket;
mod watch;

pub(crate) use books::Books;
pub(crate) use core::{CommitPlan, CopyJob, SetAside};
pub(crate) use in_flight::Waiter;
pub(crate) use offsets::Known;
pub use phase::KafkaState;
pub(crate) use ranges::SeqRanges;
pub(crate) use signal::Signal;
pub(crate) use sink::{FallbackSettings, FallbackSink};
pub(crate) use ticket::Ticket;
