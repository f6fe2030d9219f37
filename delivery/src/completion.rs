//! The one place where the fate of a batch is told: counts it, gives its memory back, wakes its caller once.
//! It knows nothing of journal or Kafka, and a caller that went away changes nothing for it.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::budget::Reservation;
use crate::error::DeliveryError;
use crate::receipt::{Receipt, RecordOutcome};
use crate::stats::Counters;

pub(crate) type AppendResult = Result<Receipt, DeliveryError>;

/// Held by the sink, never by the caller's future: cancelling that future leaks no memory and loses no record.
#[derive(Debug)]
#[must_use = "a batch whose completion is dropped is answered with `Closed`"]
pub(crate) struct Completion {
    waiter: Option<oneshot::Sender<AppendResult>>,
    reservation: Reservation,
    counters: Arc<Counters>,
}

impl Completion {
    pub(crate) fn new(
        reservation: Reservation,
        counters: Arc<Counters>,
    ) -> (Self, oneshot::Receiver<AppendResult>) {
        let (sender, receiver) = oneshot::channel();
        (Self { waiter: Some(sender), reservation, counters }, receiver)
    }

    /// How many records wait for this.
    pub(crate) fn records(&self) -> usize {
        self.reservation.records()
    }

    /// Answers the caller while the records are still held in memory; what follows is no longer told or counted.
    pub(crate) fn answer_early(&mut self, result: AppendResult) {
        if let Some(waiter) = self.waiter.take() {
            self.count(&result.as_ref());
            // A caller that went away has nothing to be told.
            let _ = waiter.send(result);
        }
    }

    /// Tells the fate and gives the memory back; the memory first, so that a caller who goes on at once finds it.
    pub(crate) fn complete(mut self, result: AppendResult) {
        let Some(waiter) = self.waiter.take() else { return };
        self.count(&result.as_ref());
        drop(self);
        // A caller that went away has nothing to be told.
        let _ = waiter.send(result);
    }

    fn count(&self, result: &Result<&Receipt, &DeliveryError>) {
        let records = self.records();
        let failed = match result {
            Ok(_) => 0,
            Err(DeliveryError::Partial { outcomes }) => {
                outcomes.iter().filter(|o| matches!(o, RecordOutcome::Failed(_))).count()
            }
            Err(_) => records,
        };
        if result.is_ok() {
            self.counters.appended_batches.add(1);
        }
        self.counters.appended_records.add(records - failed);
        self.counters.failed_records.add(failed);
    }
}
