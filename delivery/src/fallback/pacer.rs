//! Holds the drain to a number of rows a second (`kafka.drain_max_rate`), in steps so small that brokers see no bursts.
//! It tells how long to rest; whoever is woken before asks again.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::drain::READ_ROWS;

/// How many steps a second has.
const STEPS: u32 = 10;

/// What is handed over well within the time for which new batches may wait, where there is no rate.
const JOIN_ROWS: u64 = 4_000;

pub(super) struct Pacer {
    rate: Option<NonZeroU32>,
    /// When the next rows may go.
    next: Instant,
}

impl Pacer {
    /// Without a rate it never rests.
    pub(super) fn new(rate: Option<NonZeroU32>) -> Self {
        Self { rate, next: Instant::now() }
    }

    /// How many rows may go at once.
    pub(super) fn most_at_once(&self) -> usize {
        self.rate.map_or(READ_ROWS, |rate| at_once(rate).min(READ_ROWS))
    }

    /// Time that is not used is not saved up.
    pub(super) fn handed_over(&mut self, rows: usize) {
        if let Some(rate) = self.rate {
            let takes = Duration::from_secs_f64(rows as f64 / f64::from(rate.get()));
            self.next = self.next.max(Instant::now()) + takes;
        }
    }

    /// How long to rest before the next rows.
    pub(super) fn rest(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }
}

/// The most rows that new batches wait for in memory: what goes in one step.
pub(super) fn join_rows(rate: Option<NonZeroU32>) -> u64 {
    rate.map_or(JOIN_ROWS, |rate| JOIN_ROWS.min(at_once(rate) as u64))
}

/// What goes in one step at this rate.
fn at_once(rate: NonZeroU32) -> usize {
    (rate.get() / STEPS).max(1) as usize
}
