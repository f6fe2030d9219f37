//! Servers that share through a real Redis.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod redis_away;
mod redis_kinds;
mod redis_lost;
mod several_servers;
mod shared_ids;
mod shared_limits;
#[path = "../support/mod.rs"]
mod support;
