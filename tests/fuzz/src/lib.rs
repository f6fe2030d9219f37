//! What reads bytes from outside, each as a target of a fuzzer: a function of any bytes that panics where a promise is
//! broken. `scripts/fuzz.sh` runs them under libFuzzer, `tests/corpus.rs` over the inputs that are kept.

#![allow(clippy::expect_used, clippy::panic, reason = "a target tells a broken promise by stopping at it")]

mod agent;
mod body;
mod forwarded;
mod letters;
mod pixel;
mod plan;
mod proxy_header;
mod records;
mod segment;
mod sites;
mod verdicts;

/// Something that reads bytes from outside.
pub struct Target {
    /// Its name, which its folder in `corpus/` has too.
    pub name: &'static str,
    run: fn(&[u8]),
    /// Bytes of heap that one input may take, whatever it is.
    heap: u64,
}

const MIB: u64 = 1 << 20;

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "agent", run: agent::run, heap: MIB },
    Target { name: "body", run: body::run, heap: 24 * MIB },
    Target { name: "forwarded", run: forwarded::run, heap: MIB },
    Target { name: "pixel", run: pixel::run, heap: 4 * MIB },
    Target { name: "plan", run: plan::run, heap: 8 * MIB },
    Target { name: "proxy-header", run: proxy_header::run, heap: MIB },
    Target { name: "segment", run: segment::run, heap: 16 * MIB },
];

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs it on these bytes.
    ///
    /// # Panics
    /// Where a promise is broken: that is what a target is for.
    pub fn run(&self, bytes: &[u8]) {
        let run = || allocation_counter::measure(|| (self.run)(bytes)).bytes_max;
        // What is made ready once for all inputs, such as the rules for browsers, is not taken a second time.
        let taken = Some(run()).filter(|taken| *taken <= self.heap).unwrap_or_else(run);
        assert!(
            taken <= self.heap,
            "{} bytes take {taken} bytes of heap, more than {}",
            bytes.len(),
            self.heap
        );
    }
}
