//! Promises in front of a real Apache Kafka.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drain_rate;
mod example;
mod kafka;
mod migration;
mod oidc;
mod partitions_and_routes;
mod replay;
#[path = "../support/mod.rs"]
mod support;
