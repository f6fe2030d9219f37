//! Servers in front of a real Kafka.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod dead_letters_of_kafka;
mod dead_letters_segment;
mod event_ids_rebuilt;
mod formats;
mod guarantees;
mod kafka_away;
mod kafka_settings;
mod replay;
mod secrets;
mod status;
#[path = "../support/mod.rs"]
mod support;
