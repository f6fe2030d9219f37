//! The forum as its visitors and its operator meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod live_view;
mod pages;
mod program;
mod refusals;
mod support;
