//! Promises of the journal to what a disk does on a bad day: power that goes, writes and fsyncs that fail.
//! A VFS of SQLite stands between the journal and the system, sees what is asked of the disk, and refuses some of it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod image;
mod io_errors;
mod life;
mod power_loss;
mod recorder;
mod salvage;
#[path = "../support/mod.rs"]
mod support;
mod vfs;
