//! When Kafka is given up for a while, and when it is trusted again: a circuit breaker.
//! Pure: the time and what was seen come from outside, and what is done about it is decided there.

use std::time::Duration;

/// Failures without an acknowledgement between them that open the breaker.
pub(crate) const MAX_FAILURES: u32 = 5;

/// So much of `slow_after` is waited while much waits.
const SHARE_OF_PATIENCE: u32 = 8;

/// How long new batches may wait in memory for the last rows before them; then they go to the journal.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_millis(100);

/// Where new batches go, and what is done with the rows that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KafkaState {
    /// New batches go to the journal; nothing is handed to the producer until a probe finds Kafka usable.
    #[default]
    Away,
    /// New batches go to the journal, and its rows to the producer, oldest first.
    Recovering,
    /// New batches go to Kafka.
    Healthy,
}

impl KafkaState {
    /// Its name, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Recovering => "recovering",
            Self::Healthy => "healthy",
        }
    }
}

/// The breaker: closed while healthy, open while away, half-open while recovering without an acknowledgement.
#[derive(Debug)]
pub(crate) struct Phase {
    state: KafkaState,
    since: Duration,
    slow_after: Duration,
    /// Less than that is waited, since the server stops.
    in_a_hurry: bool,
    /// The last acknowledgement.
    acknowledged: Duration,
    /// Whether there was one since recovering began.
    proven: bool,
    failures: u32,
    /// New batches wait in memory since then, for the last rows before them to be handed over.
    joining: Option<Duration>,
    changes: u64,
}

impl Phase {
    /// Away until a probe has found Kafka.
    pub(crate) fn new(slow_after: Duration) -> Self {
        Self {
            state: KafkaState::Away,
            since: Duration::ZERO,
            slow_after,
            in_a_hurry: false,
            acknowledged: Duration::ZERO,
            proven: false,
            failures: 0,
            joining: None,
            changes: 0,
        }
    }

    pub(crate) fn state(&self) -> KafkaState {
        self.state
    }

    pub(crate) fn is_joining(&self) -> bool {
        self.joining.is_some()
    }

    /// Whether Kafka has acknowledged something since recovering began: until then one small group tries it.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// How often the state has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// How long nothing was acknowledged, within this state.
    pub(crate) fn silent_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.acknowledged.max(self.since))
    }

    /// How long this state has lasted.
    pub(crate) fn lasted(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    fn enter(&mut self, state: KafkaState, now: Duration) {
        self.state = state;
        self.since = now;
        self.joining = None;
        self.failures = 0;
        self.proven = false;
        self.changes += 1;
    }

    pub(crate) fn acknowledged(&mut self, now: Duration) {
        self.acknowledged = now;
        self.failures = 0;
        self.proven = true;
    }

    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// From now on an acknowledgement is waited for no longer than this.
    pub(crate) fn hurry(&mut self, patience: Duration) {
        if patience < self.slow_after {
            (self.slow_after, self.in_a_hurry) = (patience, true);
        }
    }

    /// Why the breaker must open, if it must. `oldest` is when the oldest record was taken that waits for Kafka's
    /// acknowledgement, `None` if none does; `much` is whether so much waits that memory soon ends.
    pub(crate) fn trip(&self, now: Duration, oldest: Option<Duration>, much: bool) -> Option<String> {
        let oldest = oldest?;
        // What waited before this state began says nothing about Kafka now.
        let silent_since = match self.state {
            KafkaState::Away => return None,
            KafkaState::Healthy => oldest.max(self.since),
            // Records from before the outage may be old; what counts is whether anything comes back.
            KafkaState::Recovering => oldest.max(self.since).max(self.acknowledged),
        };
        if self.failures >= MAX_FAILURES {
            return Some(format!("{} failures in a row", self.failures));
        }
        let unanswered = now.saturating_sub(silent_since.max(self.acknowledged));
        // While recovering, what is held from before the outage is much, and its first answer takes its time.
        if much && self.state == KafkaState::Healthy && unanswered >= self.slow_after / SHARE_OF_PATIENCE {
            return Some(format!(
                "no acknowledgement for {:.1} s while much waits",
                unanswered.as_secs_f64()
            ));
        }
        let silence = now.saturating_sub(silent_since);
        (silence >= self.slow_after).then(|| {
            let silence = silence.as_secs_f64();
            match self.in_a_hurry {
                true => format!("no acknowledgement for {silence:.1} s, and a stop leaves no time for more"),
                false => format!(
                    "no acknowledgement for {silence:.1} s, kafka.slow_after is {:?}",
                    self.slow_after
                ),
            }
        })
    }

    pub(crate) fn open(&mut self, now: Duration) {
        if self.state != KafkaState::Away {
            self.enter(KafkaState::Away, now);
        }
    }

    /// A probe has found Kafka usable.
    pub(crate) fn found(&mut self, now: Duration) {
        if self.state == KafkaState::Away {
            self.enter(KafkaState::Recovering, now);
        }
    }

    /// New batches wait for the last rows before them.
    pub(crate) fn join(&mut self, now: Duration) {
        if self.state == KafkaState::Recovering {
            self.joining = Some(now);
        }
    }

    /// They have waited too long.
    pub(crate) fn join_is_late(&self, now: Duration) -> bool {
        self.joining.is_some_and(|since| now.saturating_sub(since) >= JOIN_PATIENCE)
    }

    pub(crate) fn give_up_join(&mut self) {
        self.joining = None;
    }

    /// Every row is in the producer's hands.
    pub(crate) fn joined(&mut self, now: Duration) {
        self.enter(KafkaState::Healthy, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_secs(2);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn healthy() -> Phase {
        let mut phase = Phase::new(SLOW);
        phase.found(s(1));
        phase.acknowledged(s(1));
        phase.joined(s(1));
        assert_eq!((phase.state(), phase.changes()), (KafkaState::Healthy, 2));
        phase
    }

    #[test]
    fn an_old_record_opens_the_breaker_and_nothing_else_does() {
        let phase = healthy();
        assert_eq!(phase.trip(s(100), None, false), None, "nothing waits");
        assert_eq!(phase.trip(s(100), Some(s(99)), false), None);
        assert!(phase.trip(s(101), Some(s(99)), false).unwrap().contains("no acknowledgement for 2.0 s"));
        // The record was taken before this state began.
        assert_eq!(phase.trip(s(2), Some(s(0)), false), None);
    }

    #[test]
    fn in_a_hurry_less_is_waited_and_never_more() {
        let mut phase = healthy();
        phase.hurry(s(3));
        assert_eq!(phase.trip(s(100), Some(s(99)), false), None);
        phase.hurry(s(1));
        assert!(phase.trip(s(100), Some(s(99)), false).unwrap().contains("a stop leaves no time"));
    }

    #[test]
    fn failures_in_a_row_open_it_while_something_waits() {
        let mut phase = healthy();
        for _ in 0..MAX_FAILURES {
            assert_eq!(phase.trip(s(2), Some(s(2)), false), None);
            phase.failed();
        }
        assert_eq!(phase.trip(s(2), None, false), None);
        assert!(phase.trip(s(2), Some(s(2)), false).unwrap().contains("5 failures"));
        phase.acknowledged(s(2));
        assert_eq!(phase.trip(s(2), Some(s(2)), false), None, "not in a row");
    }

    #[test]
    fn while_recovering_silence_counts_and_not_age() {
        let mut phase = Phase::new(SLOW);
        phase.found(s(10));
        assert!(!phase.is_proven());
        assert_eq!(phase.trip(s(11), Some(s(0)), true), None, "much may be held from before");
        assert!(phase.trip(s(12), Some(s(0)), false).is_some(), "the probe's group had no answer");
        phase.acknowledged(s(12));
        assert_eq!(phase.trip(s(13), Some(s(0)), false), None);
        phase.join(s(13));
        assert!(phase.is_joining() && !phase.join_is_late(s(13)) && phase.join_is_late(s(14)));
        phase.open(s(14));
        assert!(!phase.is_joining());
        assert_eq!(phase.trip(s(99), Some(s(0)), false), None, "it is open");
    }
}
