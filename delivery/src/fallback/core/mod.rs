//! Everything that is decided about a batch between its coming and its last acknowledgement, without I/O and without a
//! clock of its own. The threads around it produce, write and read as it says, and tell it what came of that.
//!
//! | where a batch goes | while |
//! |---|---|
//! | to the producer | healthy |
//! | to the journal | away, recovering |
//! | to a short queue in memory | the last rows before it are being handed over |

mod fate;
mod handing;
mod orders;
mod written;

use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

pub(crate) use handing::Step;
pub(crate) use orders::{Admitted, CommitPlan, CopyJob, Limits, Opened, SetAside, Settled, Totals};

use super::in_flight::{InFlight, Waiter};
use super::offsets::Offsets;
use super::phase::{KafkaState, Phase};
use super::rows::Rows;
use crate::error::DeliveryError;
use crate::kafka::DEFAULT_BATCH_BYTES;
use crate::record::Batch;

pub(crate) struct Core<W> {
    pub(crate) phase: Phase,
    limits: Limits,
    in_flight: Slab<InFlight<W>>,
    in_flight_bytes: usize,
    next_id: u64,
    parked: Vec<(Arc<Batch>, W)>,
    /// Batches that are on their way to the journal.
    fresh: usize,
    pub(crate) rows: Rows,
    pub(crate) offsets: Offsets,
    pub(crate) totals: Totals,
    /// The bound of the producer's batches.
    pub(crate) batch_bytes: usize,
    /// The topic has refused a batch of more than one record: it takes less than it did.
    pub(crate) batches_too_large: bool,
    /// The producer gave up records on their way, which may stand in the topic: it is read before any is sent again.
    doubt: bool,
    /// Why the breaker must open at once.
    must_open: Option<String>,
    closed: bool,
}

impl<W: Waiter> Core<W> {
    pub(crate) fn new(limits: Limits, rows: Rows) -> Self {
        Self {
            phase: Phase::new(limits.slow_after),
            limits,
            in_flight: Slab::new(),
            in_flight_bytes: 0,
            next_id: 0,
            parked: Vec::new(),
            fresh: 0,
            rows,
            offsets: Offsets::default(),
            totals: Totals::default(),
            batch_bytes: DEFAULT_BATCH_BYTES,
            batches_too_large: false,
            doubt: false,
            must_open: None,
            closed: false,
        }
    }

    /// Decides where a batch of at least one record goes.
    pub(crate) fn admit(&mut self, now: Duration, batch: &Arc<Batch>, waiter: W) -> Admitted<W> {
        if self.closed {
            return Admitted::Closed(waiter);
        }
        if self.phase.state() == KafkaState::Healthy {
            return Admitted::Produce(self.take_up(now, Arc::clone(batch), waiter));
        }
        if self.phase.is_joining() {
            self.parked.push((Arc::clone(batch), waiter));
            return Admitted::Parked;
        }
        self.fresh += 1;
        Admitted::Journal(waiter)
    }

    fn take_up(&mut self, now: Duration, batch: Arc<Batch>, waiter: W) -> usize {
        self.in_flight_bytes += batch.size_bytes();
        self.next_id += 1;
        self.in_flight.insert(InFlight::new(self.next_id, batch, waiter, now))
    }

    /// Nothing can be sent any more, for this cause.
    pub(crate) fn must_open_for(&mut self, reason: &str) {
        self.must_open.get_or_insert_with(|| reason.to_owned());
    }

    /// Why the breaker must open now, if it must.
    pub(crate) fn trip(&mut self, now: Duration) -> Option<String> {
        let must = self.must_open.take();
        if self.phase.state() == KafkaState::Away {
            return None;
        }
        must.or_else(|| {
            self.phase.trip(now, self.oldest(), self.in_flight_bytes > self.limits.in_flight_bytes)
        })
    }

    /// When the oldest batch was taken that the producer holds.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.in_flight.iter().map(|(_, one)| one.taken).min()
    }

    /// New batches go to the journal from now on; gives what goes there before them.
    pub(crate) fn open(&mut self, now: Duration) -> Opened<W> {
        self.phase.open(now);
        let mut uncopied: Vec<_> = self
            .in_flight
            .iter_mut()
            .filter(|(_, one)| !one.copying && !one.has_rows() && !one.answered)
            .collect();
        uncopied.sort_by_key(|(_, one)| one.id);
        let copies = uncopied
            .into_iter()
            .map(|(slot, one)| {
                one.copying = true;
                CopyJob { slot, id: one.id, batch: Arc::clone(&one.batch) }
            })
            .collect();
        Opened { copies, parked: self.leave_join() }
    }

    /// Whether the topic must be read before anything is handed over; `None` while what is in doubt has no row yet.
    pub(crate) fn doubt(&self) -> Option<bool> {
        let uncopied = self.in_flight.iter().any(|(_, one)| one.copying || !one.given_up.is_empty());
        (!self.doubt || !uncopied).then_some(self.doubt)
    }

    /// The topic is about to be read.
    pub(crate) fn resolve_doubt(&mut self) {
        self.doubt = false;
    }

    /// It could not be read.
    pub(crate) fn doubt_again(&mut self) {
        self.doubt = true;
    }

    /// The topic was read, and nothing new is in doubt.
    pub(crate) fn resolved(&mut self) {
        if !self.doubt {
            self.offsets.release();
        }
    }

    /// A probe has found Kafka usable, and what may stand there already is known.
    pub(crate) fn found(&mut self, now: Duration) {
        if !self.closed && !self.doubt {
            self.phase.found(now);
        }
    }

    /// Takes no more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Batches whose callers wait.
    pub(crate) fn unanswered(&self) -> usize {
        self.in_flight.iter().filter(|(_, one)| !one.answered).count() + self.fresh + self.parked.len()
    }

    /// Batches that the producer holds.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Ends what is left for whoever waits: the producer tells nothing more.
    pub(crate) fn abandon(&mut self) {
        for (_, one) in &mut self.in_flight {
            one.answer(Err(DeliveryError::Closed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::AppendResult;
    use crate::fallback::ticket::Ticket;
    use crate::kafka::Refused;
    use crate::receipt::{Position, RecordFailure};
    use crate::record::Record;

    struct Nobody;

    impl Waiter for Nobody {
        fn answer(&mut self, _: AppendResult) {}
    }

    fn healthy(in_flight_bytes: usize) -> Core<Nobody> {
        let limits = Limits {
            slow_after: Duration::from_secs(2),
            in_flight_bytes,
            drain_bytes: 500,
            join_rows: 4_000,
        };
        let mut core = Core::new(limits, Rows::default());
        core.found(Duration::ZERO);
        assert_eq!(core.finish(Duration::ZERO).map(|parked| parked.len()), Some(0));
        core
    }

    fn batch(bytes: usize) -> Arc<Batch> {
        Arc::new(Batch::new(vec![Record { payload: vec![b'x'; bytes].into(), ..Record::default() }]))
    }

    #[test]
    fn much_in_flight_opens_the_breaker_only_if_the_brokers_are_silent() {
        let mut core = healthy(1_000);
        let slots = [(); 2].map(|()| match core.admit(Duration::ZERO, &batch(600), Nobody) {
            Admitted::Produce(slot) => slot,
            _ => panic!(),
        });
        let ms = Duration::from_millis;
        assert!(core.in_flight_bytes > 1_000);
        assert_eq!(core.trip(ms(200)), None);
        core.phase.acknowledged(ms(200));
        assert_eq!(core.trip(ms(400)), None, "they answer");
        assert!(core.trip(ms(450)).unwrap().contains("no acknowledgement for 0.2 s while much waits"));
        core.settle(ms(450), Ticket { slot: slots[0], index: 0 }, Ok(Position { partition: 0, offset: 0 }));
        assert_eq!(core.trip(ms(900)), None, "little waits");
        assert_eq!(core.open(ms(900)).copies.len(), 1);
        assert!(matches!(core.admit(ms(900), &batch(600), Nobody), Admitted::Journal(_)));
    }

    #[test]
    fn a_batch_that_is_too_large_is_its_records_fault_only_if_that_was_alone() {
        let too_large = || {
            let reason = "Broker: Message size too large".to_owned();
            Err(Refused::TooLarge(RecordFailure { code: "record_too_large", reason, retry: false }))
        };
        let mut core = healthy(10_000);
        core.batch_bytes = 700;
        for (bytes, alone) in [(100, false), (800, true)] {
            let Admitted::Produce(slot) = core.admit(Duration::ZERO, &batch(bytes), Nobody) else { panic!() };
            let settled = core.settle(Duration::ZERO, Ticket { slot, index: 0 }, too_large());
            assert_eq!(settled.set_aside.is_some(), alone);
            assert_eq!(std::mem::take(&mut core.batches_too_large), !alone);
            assert_eq!(core.must_open.take().is_some(), !alone);
        }
    }
}
