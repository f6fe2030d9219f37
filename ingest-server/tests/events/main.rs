//! What becomes of an event: what a record says, whose it is, what a plan does to it, and what is kept of a refused one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod address;
mod dead_letters;
mod pages_and_devices;
mod plan;
mod plan_folder;
mod segment;
mod segment_limits;
#[path = "../support/mod.rs"]
mod support;
mod users;
