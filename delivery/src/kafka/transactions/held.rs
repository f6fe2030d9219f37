//! The reports of one transaction's records, held until it has ended: a record that a broker took is stored only then.
//! What an earlier transaction is still told is dropped, since its records were settled with it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kafka::context::{Report, Reports};
use crate::kafka::failure::Refused;
use crate::kafka::statistics::Statistics;
use crate::receipt::Position;

/// A record's place in its transaction takes the low half of its number.
const PLACE_BITS: u32 = usize::BITS / 2;

type Fate = Result<Position, Refused>;

pub(in crate::kafka) struct Held {
    state: Mutex<State>,
    complete: Condvar,
    /// Who is told of connections at once.
    reports: Arc<dyn Reports>,
}

#[derive(Default)]
struct State {
    /// Which transaction it is; the numbers of its records begin with it.
    transaction: u32,
    fates: Vec<Option<Fate>>,
    missing: usize,
    /// A record could not be sent now: the others must not be committed without it.
    failed: bool,
}

impl Held {
    pub(in crate::kafka) fn new(reports: Arc<dyn Reports>) -> Self {
        Self { state: Mutex::default(), complete: Condvar::new(), reports }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next transaction begins, with so many records.
    pub(super) fn begin(&self, records: usize) {
        let mut state = self.lock();
        let transaction = state.transaction.wrapping_add(1);
        *state = State { transaction, fates: vec![None; records], missing: records, failed: false };
    }

    /// The number under which the first record is sent; the others' follow.
    pub(super) fn first_number(&self) -> usize {
        (self.lock().transaction as usize) << PLACE_BITS
    }

    /// The record was not sent, which harms no other.
    pub(super) fn refused_at_once(&self, place: usize, refused: Refused) {
        let mut state = self.lock();
        // One that must come again must not be left out in silence: those behind it would overtake it.
        state.failed |= matches!(refused, Refused::GivenUp { .. });
        state.note(place, Err(refused));
        self.complete.notify_all();
    }

    /// Waits until every record has its report, at most so long.
    pub(super) fn wait(&self, at_most: Duration) -> bool {
        let state = self.lock();
        let waited = self.complete.wait_timeout_while(state, at_most, |state| state.missing > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.missing == 0
    }

    pub(super) fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// The transaction has ended: gives what was reported, by place.
    pub(super) fn take(&self) -> Vec<Option<Fate>> {
        let mut state = self.lock();
        let fates = std::mem::take(&mut state.fates);
        *state = State { transaction: state.transaction, ..State::default() };
        fates
    }
}

impl State {
    fn note(&mut self, place: usize, fate: Fate) {
        if let Some(open @ None) = self.fates.get_mut(place) {
            *open = Some(fate);
            self.missing -= 1;
        }
    }
}

impl Reports for Held {
    fn settled(&self, told: &mut dyn Iterator<Item = Report>) {
        let mut state = self.lock();
        for Report { opaque, fate } in told {
            if opaque >> PLACE_BITS == state.transaction as usize {
                state.note(opaque & ((1 << PLACE_BITS) - 1), fate);
            }
        }
        if state.missing == 0 {
            drop(state);
            self.complete.notify_all();
        }
    }

    fn connection_failed(&self, reason: &str) {
        self.reports.connection_failed(reason);
    }

    fn waiting(&self) {
        self.reports.waiting();
    }

    fn statistics(&self, told: &Statistics) {
        self.reports.statistics(told);
    }

    fn all_brokers_down(&self) {
        self.reports.all_brokers_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::RecordFailure;

    struct Nobody;

    impl Reports for Nobody {
        fn settled(&self, _: &mut dyn Iterator<Item = Report>) {
            panic!("nothing is passed on before the transaction has ended");
        }
        fn connection_failed(&self, _: &str) {}
        fn all_brokers_down(&self) {}
    }

    #[test]
    fn a_late_report_of_an_earlier_transaction_settles_nothing_of_the_next() {
        let held = Held::new(Arc::new(Nobody));
        let at = |offset| Position { partition: 0, offset };
        held.begin(2);
        let late = held.first_number() + 1;
        let mut told = std::iter::once(Report { opaque: held.first_number(), fate: Ok(at(1)) });
        held.settled(&mut told);
        assert!(!held.wait(Duration::ZERO));
        assert_eq!(held.take(), [Some(Ok(at(1))), None]);
        held.begin(2);
        held.settled(&mut std::iter::once(Report { opaque: late, fate: Ok(at(2)) }));
        assert!(!held.wait(Duration::ZERO));
        let failure = RecordFailure { code: "policy_violation", reason: String::new(), retry: false };
        held.refused_at_once(0, Refused::Record(failure.clone()));
        assert!(!held.has_failed(), "what was never sent aborts nothing");
        held.refused_at_once(1, Refused::GivenUp { failure, possibly_stored: false });
        assert!(held.wait(Duration::ZERO) && held.has_failed());
    }
}
