//! The steps "delivery" and "settle ids": hands a batch's records over, waits until they are durable, and says what became of
//! each event. What is known afterwards is what is durable; everything else is released.

use super::Edge;
use crate::event_ids;
use crate::judge::Judged;
use crate::letters;
use crate::live::Site;
use crate::receipts::Reservation;
use crate::refusal::Refused;
use crate::results::{at, failed, say_where};
use footfall_delivery::{Batch as Outgoing, DeliveryError, RecordOutcome};
use footfall_event_model::{Answer, StoredIn};

impl Edge {
    /// Hands the records over, waits until they are durable, settles the batch's id, and says what became of each
    /// event.
    pub(super) async fn deliver(
        &self,
        judged: Judged,
        reservation: Option<Reservation>,
        event_ids: event_ids::Reservation,
        wants_offsets: bool,
        live: &Site,
    ) -> Result<Answer, Refused> {
        let Judged {
            records,
            sources,
            letters,
            mut shown,
            entries,
            duplicate,
            invalid,
            dropped,
            unknown_fields,
        } = judged;
        let shows = self.live.shows(live);
        let payloads: Vec<_> =
            records.iter().filter(|_| shows).map(|record| record.payload.clone()).collect();
        let mut answer =
            Answer { unknown_fields, duplicate, invalid, dropped, events: entries, ..Answer::default() };
        let letters = letters::store(&self.delivery, letters, &self.metrics.letters);
        let (appended, ()) = tokio::join!(self.delivery.append(Outgoing::new(records)), letters);
        let outcomes = if sources.is_empty() {
            Vec::new()
        } else {
            match appended {
                Ok(receipt) => {
                    if wants_offsets {
                        say_where(&mut answer, &sources, &receipt);
                    }
                    Vec::new()
                }
                Err(error) => {
                    answer.retry_after_ms = error.retry_after().map(|wait| wait.as_millis() as u64);
                    match error {
                        DeliveryError::Partial { outcomes } => outcomes,
                        // What no retry can help is told for each event, so that a sender does not try for ever.
                        DeliveryError::Kafka(failure) if !failure.retry => {
                            vec![RecordOutcome::Failed(failure); sources.len()]
                        }
                        error => {
                            let unsure =
                                matches!(error, DeliveryError::TimedOut { .. } | DeliveryError::Closed);
                            if let (true, Some(ours)) = (unsure, reservation) {
                                ours.doubt();
                            }
                            return Err(error.into());
                        }
                    }
                }
            }
        };
        let mut stored = reservation.as_ref().map(Reservation::stored).unwrap_or_default();
        let mut outcomes = outcomes.into_iter();
        shown.reserve(payloads.len());
        let mut payloads = payloads.into_iter();
        for source in sources {
            let payload = payloads.next();
            // Outcomes are told only where some record failed.
            match outcomes.next() {
                Some(RecordOutcome::Failed(failure)) => {
                    failed(&mut answer, source, failure);
                    shown.extend(live.unseen("deliver", answer.events.last()));
                }
                outcome => {
                    if let (true, Some(RecordOutcome::Stored(position))) = (wants_offsets, outcome) {
                        answer.stored = Some(StoredIn::Kafka);
                        answer.events.push(at(&source, position));
                    }
                    answer.accepted += 1;
                    stored.insert(source.index);
                    shown.extend(payload.map(|record| live.accepted(source.anonymous_id, record)));
                }
            }
        }
        event_ids.settle(|index| stored.contains(index));
        match reservation {
            Some(ours) if answer.retry == 0 => ours.settle(),
            Some(ours) => ours.settle_in_part(stored),
            None => {}
        }
        self.live.publish(shown);
        answer.events.sort_by_key(|result| result.index);
        answer.code =
            if answer.invalid + answer.dropped + answer.retry == 0 { "ok" } else { "partial" }.to_owned();
        Ok(answer)
    }
}
