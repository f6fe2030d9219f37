//! Promises of the journal alone.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;
mod dead_letters;
mod disk_faults;
mod journal;
mod kill_9;
mod retention;
#[path = "../support/mod.rs"]
mod support;
