//! What an operator meets who has nothing but the binary: its words, its metrics, its live view, its export.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod damaged_journal;
mod debug_access;
mod debug_events;
mod export;
mod metrics;
mod program;
#[path = "../support/mod.rs"]
mod support;
