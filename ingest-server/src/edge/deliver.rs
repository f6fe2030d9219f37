//! The steps "delivery" and "settle ids": hands a batch's records over, waits until they are durable, and says what became of
//! each event. What is known afterwards is what is durable; everything else is released.

use super::Edge;
use crate::event_ids;
use crate::jitter;
use crate::judge::{Judged, defect};
use crate::letters;
use crate::live::Site;
use crate::metrics::{StepClock, Timed};
use crate::receipts::{EventSet, Reservation};
use crate::refusal::Refused;
use crate::results::{at, failed, say_where};
use crate::shared::{BatchFate, Holding};
use bytes::Bytes;
use footfall_delivery::{Batch as Outgoing, DeliveryError, Record, RecordOutcome};
use footfall_event_model::{Answer, StoredIn};

/// What a request has reserved: here, and for all servers. Dropping it releases that.
pub(super) struct Ours {
    pub(super) batch: Option<Reservation>,
    pub(super) events: event_ids::Reservation,
    pub(super) shared: Option<Holding>,
}

impl Ours {
    /// The store may have the events all the same: whoever asks for the batch is told so.
    async fn doubt(self) {
        let Some(batch) = self.batch else { return };
        let fate = if batch.stored().is_empty() { BatchFate::Doubt } else { BatchFate::Released };
        batch.doubt().await;
        if let Some(shared) = self.shared {
            Box::pin(shared.settle(fate, |_| false)).await;
        }
    }

    /// Says which events are durable; `all` that no other is to come.
    async fn settle(self, durable: EventSet, all: bool) {
        self.events.settle(|index| durable.contains(index));
        let before = self.batch.as_ref().map(Reservation::stored).unwrap_or_default();
        let fate = match self.batch {
            Some(batch) if all => {
                batch.settle().await;
                BatchFate::Known
            }
            Some(batch) => {
                batch.settle_in_part(durable.clone()).await;
                if durable == before { BatchFate::Released } else { BatchFate::Part(durable.clone()) }
            }
            None => BatchFate::Released,
        };
        if let Some(shared) = self.shared {
            // In a box: few share, and what all wait with is no larger for it.
            Box::pin(shared.settle(fate, |index| durable.contains(index))).await;
        }
    }
}

impl Edge {
    /// Hands the records over, waits until they are durable, settles the batch's id, and says what became of each
    /// event.
    pub(super) async fn deliver(
        &self,
        judged: Judged,
        ours: Ours,
        wants_offsets: bool,
        live: &Site,
        step: &mut StepClock<'_>,
    ) -> Result<Answer, Refused> {
        let Judged {
            mut records,
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
        // Copies: a slice would keep the texts of the whole batch for as long as it is shown.
        let copied = |record: &Record| Bytes::copy_from_slice(&record.payload);
        let payloads: Vec<_> = records.iter().filter(|_| shows).map(copied).collect();
        let topics: Vec<_> =
            records.iter().filter(|_| wants_offsets).map(|record| record.topic.clone()).collect();
        if !self.format.is_as_encoded() {
            let own_bytes = sources.iter().map(|source| Some(source.own_bytes));
            self.format.give(&mut records, own_bytes).map_err(|error| defect(&error))?;
        }
        let mut answer =
            Answer { unknown_fields, duplicate, invalid, dropped, events: entries, ..Answer::default() };
        let has_letters = !letters.is_empty();
        let letters = letters::store(&self.delivery, letters, &self.metrics.letters);
        step.enter(Timed::Deliver);
        let (appended, ()) = tokio::join!(self.delivery.append(Outgoing::new(records)), letters);
        match &appended {
            Ok(receipt) if !sources.is_empty() && !has_letters => step.delivered(receipt.known_at),
            Ok(_) => step.enter(Timed::Answer),
            Err(_) => {}
        }
        let outcomes = if sources.is_empty() {
            Vec::new()
        } else {
            match appended {
                Ok(receipt) => {
                    if wants_offsets {
                        say_where(&mut answer, &sources, &topics, &receipt);
                    }
                    Vec::new()
                }
                Err(error) => {
                    let wait = error.retry_after();
                    match error {
                        DeliveryError::Partial { outcomes } => {
                            answer.retry_after_ms = wait.map(jitter::spread_ms);
                            outcomes
                        }
                        // What no retry can help is told for each event, so that a sender does not try for ever.
                        DeliveryError::Kafka(failure) if !failure.retry => {
                            vec![RecordOutcome::Failed(failure); sources.len()]
                        }
                        error => {
                            let unsure =
                                matches!(error, DeliveryError::TimedOut { .. } | DeliveryError::Closed);
                            if unsure {
                                ours.doubt().await;
                            }
                            return Err(error.into());
                        }
                    }
                }
            }
        };
        let mut stored = ours.batch.as_ref().map(Reservation::stored).unwrap_or_default();
        let mut outcomes = outcomes.into_iter();
        shown.reserve(payloads.len());
        let (mut payloads, mut topics) = (payloads.into_iter(), topics.into_iter());
        for source in sources {
            let (payload, topic) = (payloads.next(), topics.next().flatten());
            // Outcomes are told only where some record failed.
            match outcomes.next() {
                Some(RecordOutcome::Failed(failure)) => {
                    failed(&mut answer, source, failure);
                    shown.extend(live.unseen("deliver", answer.events.last()));
                }
                outcome => {
                    if let (true, Some(RecordOutcome::Stored(position))) = (wants_offsets, outcome) {
                        answer.stored = Some(StoredIn::Kafka);
                        answer.events.push(at(&source, topic.as_ref(), position));
                    }
                    answer.accepted += 1;
                    stored.insert(source.index);
                    shown.extend(payload.map(|record| live.accepted(source.anonymous_id, record)));
                }
            }
        }
        ours.settle(stored, answer.retry == 0).await;
        self.live.publish(shown);
        answer.events.sort_by_key(|result| result.index);
        answer.code =
            if answer.invalid + answer.dropped + answer.retry == 0 { "ok" } else { "partial" }.to_owned();
        Ok(answer)
    }
}
