//! What crosses crates: reading a real topic, loading a real server, measuring both.
//! The tools under `bin/` are thin over these modules; browsers are driven from `e2e/`, in JavaScript.

pub mod admin;
mod error;
pub mod ids;
pub mod journal;
pub mod load;
pub mod process_cpu;
pub mod process_memory;
pub mod produce;
pub mod report;
pub mod run;
pub mod steady;
pub mod topic;

pub use error::Error;
