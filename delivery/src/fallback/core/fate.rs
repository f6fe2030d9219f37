//! What follows from the producer's word on one record: stored, refused for good, or given up.
//! A batch ends with the last of its records.

use std::time::Duration;

use super::{Core, SetAside, Settled};
use crate::completion::AppendResult;
use crate::fallback::in_flight::Waiter;
use crate::fallback::phase::KafkaState;
use crate::fallback::ticket::Ticket;
use crate::kafka::Refused;
use crate::receipt::Position;

impl<W: Waiter> Core<W> {
    /// Notes the fate of one record, as the producer told it.
    pub(crate) fn settle(
        &mut self,
        now: Duration,
        ticket: Ticket,
        fate: Result<Position, Refused>,
    ) -> Settled<W> {
        let mut settled = Settled { ended: None, set_aside: None, rows_delivered: false };
        let Some(one) = self.in_flight.get_mut(ticket.slot) else { return settled };
        let row = one.row(ticket.index);
        let fate = fate.map_err(|refused| match refused {
            // A record that is larger than the bound of a batch is alone in it.
            Refused::TooLarge(failure)
                if one.batch.records()[ticket.index].wire_bytes() > self.batch_bytes =>
            {
                Refused::Record(failure)
            }
            Refused::TooLarge(mut failure) => {
                self.batches_too_large = true;
                failure.reason = format!("the topic takes no batch of {} bytes any more", self.batch_bytes);
                Refused::GivenUp { failure, possibly_stored: false }
            }
            other => other,
        });
        match fate {
            Ok(position) => {
                self.phase.acknowledged(now);
                let topic = one.batch.records()[ticket.index].topic.as_ref();
                self.offsets.note(one.batch.stream(), topic, position);
                one.stored(ticket.index, position);
                if let Some(seq) = row {
                    self.rows.delivered(seq);
                    settled.rows_delivered = true;
                    let total = if one.drained { &mut self.totals.drained } else { &mut self.totals.late };
                    *total += 1;
                }
            }
            Err(Refused::Record(failure)) => {
                // The broker has spoken: it is there.
                self.phase.acknowledged(now);
                self.totals.set_aside += 1;
                let record = one.batch.records()[ticket.index].clone();
                let stream = one.batch.stream();
                settled.set_aside =
                    Some(Box::new(SetAside { record, stream, failure: failure.clone(), row }));
                one.refused(ticket.index, failure);
            }
            Err(Refused::TooLarge(_)) => {}
            Err(Refused::GivenUp { failure, possibly_stored }) => {
                self.phase.failed();
                // It is looked for in the topic before it is sent again, where it can be told apart.
                if possibly_stored {
                    self.doubt = true;
                    self.offsets.hold_back();
                }
                let has_id = one.batch.records()[ticket.index].headers.iter().any(|h| h.name == "ce_id");
                self.totals.possible_duplicates += u64::from(possibly_stored && !has_id);
                match row {
                    Some(seq) => {
                        self.rows.given_up(seq);
                        one.settled += 1;
                    }
                    // The journal did not take its copy, and its caller was told so.
                    None if one.answered && !one.copying => one.settled += 1,
                    // It is settled once it has a row, which the breaker sees to.
                    None => one.given_up.push(ticket.index),
                }
                if self.phase.state() != KafkaState::Away {
                    self.must_open.get_or_insert(failure.reason);
                }
            }
        }
        settled.ended = self.end(ticket.slot);
        settled
    }

    pub(super) fn end(&mut self, slot: usize) -> Option<(W, Option<AppendResult>)> {
        self.in_flight.get(slot).filter(|one| one.is_settled())?;
        let mut one = self.in_flight.remove(slot);
        self.in_flight_bytes -= one.batch.size_bytes();
        let result = (!one.answered).then(|| one.result());
        Some((one.waiter, result))
    }

    /// A connection failed; in words, for the log of a change that may follow.
    pub(crate) fn failed(&mut self) {
        if !self.in_flight.is_empty() {
            self.phase.failed();
        }
    }
}
