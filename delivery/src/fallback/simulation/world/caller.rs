//! Who waits for an answer, and what all of them were told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use crate::completion::AppendResult;
use crate::error::DeliveryError;
use crate::fallback::in_flight::Waiter;
use crate::receipt::RecordOutcome;

/// A record's name: its key, and its number among those of the key.
pub(super) type Id = (u64, u64);

/// Who waits: for these records, since then.
pub(super) struct Caller {
    pub(super) ids: Vec<Id>,
    pub(super) since: Duration,
    pub(super) told: Rc<RefCell<Told>>,
    pub(super) answered: bool,
}

#[derive(Default)]
pub(super) struct Told {
    pub(super) now: Duration,
    pub(super) acknowledged: BTreeSet<Id>,
    pub(super) longest_wait: Duration,
}

impl Waiter for Caller {
    fn answer(&mut self, result: AppendResult) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        let mut told = self.told.borrow_mut();
        told.longest_wait = told.longest_wait.max(told.now.saturating_sub(self.since));
        match result {
            Ok(_) => told.acknowledged.extend(&self.ids),
            Err(DeliveryError::Partial { outcomes }) => {
                let stored =
                    outcomes.iter().zip(&self.ids).filter(|(o, _)| !matches!(o, RecordOutcome::Failed(_)));
                told.acknowledged.extend(stored.map(|(_, id)| *id));
            }
            Err(_) => {}
        }
    }
}

/// Tells a caller whose batch is at its end.
pub(super) fn end(ended: Option<(Caller, Option<AppendResult>)>) {
    if let Some((mut caller, Some(result))) = ended {
        caller.answer(result);
    }
}
