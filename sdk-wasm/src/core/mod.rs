//! The SDK's decisions as a pure state machine: what is queued, when it is sent, what is sent again, who it is.
//! It has no clock, network or storage of its own: inputs are method calls with a [`Now`], outputs are [`Command`]s
//! for the browser to carry out, and a seed reproduces a run.
//!
//! Every line here is paid for by each visitor of a page. So contexts and properties pass through as the JSON texts
//! that the browser made, and nothing is serialised, parsed or formatted that can be appended.

#![allow(
    clippy::single_char_add_str,
    reason = "pushing a `char` brings its encoder into every visitor's browser"
)]

mod batch;
mod command;
mod consent;
mod identity;
mod outbox;
mod random;
mod retry;
mod sampling;
mod settings;
#[cfg(test)]
mod simulation;
pub(crate) mod text;
mod tracker;

pub use command::{Answer, Command, Done, Priority, What};
pub use consent::Consent;
pub use settings::Settings;
pub use tracker::{Said, Tracker};

/// A reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, in Unix milliseconds; it may jump.
    pub unix_ms: u64,
    /// A clock that never goes back, in milliseconds from any start.
    pub monotonic_ms: u64,
}
