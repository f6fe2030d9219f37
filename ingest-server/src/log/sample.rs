//! How many lines of one kind a second may have, so that a flood of requests is no flood of lines.
//! What was left out is counted, and said with the next line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Lines of one kind in a second.
const LINES: u64 = 10;
/// The lower bits count the lines of a second, the upper ones are that second.
const COUNT_BITS: u32 = 32;

/// Decides which lines are written.
#[derive(Debug)]
pub struct Sample {
    lines: u64,
    began: Instant,
    now: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Sample {
    fn default() -> Self {
        Self::of(LINES)
    }
}

impl Sample {
    /// As many as these a second.
    pub fn of(lines: u64) -> Self {
        Self { lines, began: Instant::now(), now: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether a line may be written now: with how many were left out before it.
    pub fn line(&self) -> Option<u64> {
        self.line_at(self.began.elapsed().as_secs())
    }

    fn line_at(&self, second: u64) -> Option<u64> {
        let count = |now: u64| {
            let begun = second << COUNT_BITS;
            Some(if now >> COUNT_BITS < second { begun + 1 } else { now + 1 })
        };
        let before = self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).unwrap_or_default();
        let same = before >> COUNT_BITS >= second;
        let lines = if same { before & ((1 << COUNT_BITS) - 1) } else { 0 };
        if lines < self.lines {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_ten_lines_and_the_next_one_tells_what_it_lost() {
        let sample = Sample::default();
        let lines: Vec<_> = (0..1000).filter_map(|_| sample.line_at(0)).collect();
        assert_eq!(lines, vec![0; 10]);
        let lines: Vec<_> = (0..30).filter_map(|_| sample.line_at(5)).collect();
        assert_eq!(lines, [990, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sample.line_at(6), Some(20));
    }
}
