//! How long each step of a request takes, in histograms of a few buckets.
//! A batch is timed and never an event: one reading of the clock between two steps, and nothing is allocated.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::{Duration, Instant};

/// The upper bounds of the buckets, in seconds; what takes longer than the last is in `+Inf`.
const BUCKETS: [f64; 9] = [0.000_01, 0.000_1, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// The same for what the server itself adds to an answer, which is less.
const ADDED_BUCKETS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_2, 0.000_4, 0.000_7, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1.0];

/// The steps, in the order in which a batch takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timed {
    /// What can be judged before the body: client, key, origin, rate, load.
    Admit,
    /// The body arrives.
    Read,
    /// It is unpacked and its batch is read.
    Decode,
    /// Clock, address, place and browser are put to it; a browser that is not known is read first.
    Stamp,
    /// Its id is reserved; a copy that is being stored is waited for.
    ReserveBatch,
    /// Its events are read and checked.
    Check,
    /// Their ids are reserved.
    ReserveEvents,
    /// Their records are written.
    Encode,
    /// Batches that were sent before it are waited for.
    Order,
    /// The records become durable: it ends with the store's word, whenever the batch goes on after it.
    Deliver,
    /// What the store said is taken up, and what became of earlier batches is looked up.
    Answer,
}

impl Timed {
    const ALL: [Self; 11] = [
        Self::Admit,
        Self::Read,
        Self::Decode,
        Self::Stamp,
        Self::ReserveBatch,
        Self::Check,
        Self::ReserveEvents,
        Self::Encode,
        Self::Order,
        Self::Deliver,
        Self::Answer,
    ];

    /// Whether it is the sender, or the store, that takes the time.
    fn is_others(self) -> bool {
        matches!(self, Self::Read | Self::Deliver)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Stamp => "stamp",
            Self::ReserveBatch => "reserve_batch",
            Self::Check => "check",
            Self::ReserveEvents => "reserve_events",
            Self::Encode => "encode",
            Self::Order => "order",
            Self::Deliver => "deliver",
            Self::Answer => "answer",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: &'static str,
}

/// The histograms, each found by its place and not by its label.
#[derive(Debug)]
pub struct StepTimes {
    steps: [Histogram; Timed::ALL.len()],
    /// All but what the sender and the store take, of each batch of which something was delivered.
    added: Histogram,
}

impl StepTimes {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = || Histogram::new(BUCKETS);
        let family = Family::<StepLabels, Histogram>::new_with_constructor(new);
        let help = "How long a batch was in each step; a refused one counts in the step that refused it";
        registry.register_with_unit("step", help, Unit::Seconds, family.clone());
        let added = Histogram::new(ADDED_BUCKETS);
        let help = "What the server added to the answer of a batch that was delivered: all steps but `read` and `deliver`";
        registry.register_with_unit("added", help, Unit::Seconds, added.clone());
        let of = |step: Timed| family.get_or_create_owned(&StepLabels { step: step.as_str() });
        Self { steps: Timed::ALL.map(of), added }
    }

    /// A batch sets out, in the first step.
    pub fn begin(&self) -> StepClock<'_> {
        StepClock {
            times: self,
            step: Timed::Admit,
            since: Instant::now(),
            added: Duration::ZERO,
            delivered: false,
        }
    }
}

/// The clock of one batch. The step under way is counted when the next one begins, or where the batch's way ends.
#[derive(Debug)]
#[must_use = "a step is counted for as long as this lives"]
pub struct StepClock<'a> {
    times: &'a StepTimes,
    step: Timed,
    since: Instant,
    added: Duration,
    delivered: bool,
}

impl StepClock<'_> {
    /// The next step begins.
    pub fn enter(&mut self, step: Timed) {
        self.enter_at(step, Instant::now());
    }

    /// The next step began then.
    fn enter_at(&mut self, step: Timed, at: Instant) {
        self.count(at);
        (self.step, self.since) = (step, at);
    }

    /// The batch was delivered, as was known then.
    pub fn delivered(&mut self, known_at: Instant) {
        self.enter_at(Timed::Answer, known_at);
        self.delivered = true;
    }

    fn count(&mut self, now: Instant) {
        let took = now.saturating_duration_since(self.since);
        if let Some(histogram) = self.times.steps.get(self.step as usize) {
            histogram.observe(took.as_secs_f64());
        }
        if !self.step.is_others() {
            self.added += took;
        }
    }
}

impl Drop for StepClock<'_> {
    fn drop(&mut self) {
        self.count(Instant::now());
        if self.delivered {
            self.times.added.observe(self.added.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn each_step_counts_once_where_its_place_says_and_the_last_one_at_the_end() {
        let mut registry = Registry::default();
        let times = StepTimes::register(&mut registry);
        for (place, step) in Timed::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, place);
            let mut clock = times.begin();
            clock.enter(step);
        }
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for step in Timed::ALL {
            // Each batch was in the first step first.
            let count = if step == Timed::Admit { Timed::ALL.len() + 1 } else { 1 };
            let line = format!("step_seconds_count{{step=\"{}\"}} {count}\n", step.as_str());
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }

    #[test]
    fn what_the_sender_and_the_store_take_is_not_the_servers() {
        let mut registry = Registry::default();
        let times = StepTimes::register(&mut registry);
        drop(times.begin());
        let mut clock = times.begin();
        let began = clock.since;
        for (step, second) in [(Timed::Read, 2), (Timed::Check, 9), (Timed::Deliver, 10)] {
            clock.enter_at(step, began + Duration::from_secs(second));
        }
        clock.delivered(began + Duration::from_secs(19));
        drop(clock);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in ["added_seconds_sum 3.0\n", "added_seconds_count 1\n"] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
