//! The SDK's decisions as a pure state machine: what is queued, when it is sent, what is sent again, who it is.
//! It has no clock, network or storage of its own: inputs are method calls with a [`Now`], outputs are [`Command`]s
//! for the browser to carry out, and a seed reproduces a run.

pub mod address;
mod batch;
mod command;
mod identity;
mod outbox;
mod properties;
mod queue;
mod retry;
mod settings;
#[cfg(test)]
mod simulation;
mod text;
mod tracker;

pub use command::{Command, Outcome, Priority, Slot, Transport};
pub use identity::Stored;
pub use properties::{Properties, label};
pub use settings::Settings;
pub use tracker::{State, Tracker};

/// A reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, in Unix milliseconds; it may jump.
    pub unix_ms: i64,
    /// A clock that never goes back, in milliseconds from any start.
    pub monotonic_ms: u64,
}
