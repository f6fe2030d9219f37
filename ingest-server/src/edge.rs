//! One request's way through the server, top to bottom: client, admit, decode, reserve ids, check and encode, delivery, settle
//! ids, answer. Each step is a module of its own and reaches back to none before it; HTTP's own matters are in `http`.

use crate::admit::{self, BodyBudget};
use crate::client;
use crate::decode::Shape;
use crate::encode::Shared;
use crate::judge::{Before, Judged, defect, judge};
use crate::live::{Live, LiveEvent};
use crate::metrics::Metrics;
use crate::receipts::{EventSet, Receipts, Reservation, Reserved};
use crate::refusal::Refused;
use crate::results::{at, failed, say_where};
use crate::settings::{AddressPolicy, ProxySettings, Settings};
use crate::sites::Sites;
use crate::stamp::Stamp;
use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use footfall_delivery::{Batch as Outgoing, Delivery, DeliveryError, RecordOutcome};
use footfall_event_model::{Answer, StoredIn};
use std::net::IpAddr;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Everything that a request meets on its way.
pub struct Edge {
    proxies: ProxySettings,
    address_policy: AddressPolicy,
    bodies: BodyBudget,
    delivery: Delivery,
    /// The sites and what is set for each.
    pub sites: Sites,
    /// The batches that are durable already.
    pub receipts: Receipts,
    /// The requests that are being answered. They go on when their connection ends: a page that goes away has sent
    /// its batch all the same.
    pub requests: TaskTracker,
    /// What was just accepted.
    pub live: Live,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Edge {
    /// An edge in front of `delivery`, with the memory of what that has stored.
    pub fn new(settings: &Settings, delivery: Delivery, receipts: Receipts) -> Self {
        Self {
            proxies: settings.proxies.clone(),
            address_policy: settings.address_policy,
            bodies: BodyBudget::new(settings.http.max_body_bytes, settings.http.body_timeout),
            delivery,
            sites: Sites::new(settings),
            receipts,
            requests: TaskTracker::new(),
            live: Live::default(),
            metrics: Arc::default(),
        }
    }

    /// Where the records go.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Takes one request, its events in that shape: when this returns `Ok`, every event counted as accepted is durable.
    ///
    /// # Errors
    /// [`Refused`] where the request is refused as a whole.
    pub async fn take(
        &self,
        shape: Shape,
        peer: Option<IpAddr>,
        uri: &Uri,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Refused> {
        let client = client::address(&self.proxies, peer, headers);
        let admitted = admit::admit(shape, uri, headers)?;
        if let Some(key) = &admitted.write_key {
            self.sites.admit(key, headers)?;
        }
        let stamp = Stamp::new(client, headers, self.address_policy);
        let (body, memory) = admit::read(&self.bodies, headers, body).await?;
        self.metrics.received_bytes.inc_by(body.len() as u64);
        let mut body = shape.text(uri, admitted.encoding, body)?;
        let decoded = shape.batch(&mut body)?;
        let mut batch = decoded.batch;
        let key = admitted.write_key.or(batch.write_key.take()).ok_or(Refused::NoWriteKey)?;
        self.sites.admit(&key, headers)?;
        let mut reservation = None;
        let mut before = Before::Some(EventSet::default());
        if let Some(batch_id) = &batch.batch_id {
            match self.receipts.reserve(&key, batch_id, stamp.received_at).await? {
                Reserved::Known => {
                    self.metrics.duplicate_batches.inc();
                    before = Before::All;
                }
                Reserved::New(ours) => {
                    before = Before::Some(ours.stored());
                    reservation = Some(ours);
                }
            }
        }
        let (id, context) = (batch.batch_id.as_deref(), batch.context.take().unwrap_or_default());
        let shared = Shared::new(&key, id, batch.sent_at, context, admitted.priority, &stamp)
            .map_err(|error| defect(&error.into()))?
            .believing(self.sites.takes_claimed_address(&key).then_some(self.address_policy));
        let mut judged = judge(shape, &batch.events, &shared, before)?;
        judged.unknown_fields += decoded.unknown_fields;
        let (asked, sent_at) = (batch.unconfirmed, batch.sent_at);
        // A copy says it again.
        let dropped = if judged.duplicate == 0 { batch.dropped } else { None };
        self.receipts.follow(&key, id, &asked, sent_at, stamp.received_at).await;
        // From here on delivery counts what its records take.
        drop(body);
        drop(memory);
        let mut answer = self.deliver(judged, reservation, admitted.wants_offsets).await?;
        self.metrics.count_dropped_by_sender(dropped.unwrap_or_default());
        answer.receipts = self.receipts.ask(&key, &asked, sent_at, stamp.received_at).await;
        Ok(answer)
    }

    /// Hands the records over, waits until they are durable, settles the batch's id, and says what became of each
    /// event.
    async fn deliver(
        &self,
        judged: Judged,
        reservation: Option<Reservation>,
        wants_offsets: bool,
    ) -> Result<Answer, Refused> {
        let Judged { records, sources, entries, duplicate, invalid, unknown_fields } = judged;
        let payloads: Vec<_> = records.iter().map(|record| record.payload.clone()).collect();
        let mut answer = Answer { unknown_fields, duplicate, invalid, events: entries, ..Answer::default() };
        let outcomes = if records.is_empty() {
            Vec::new()
        } else {
            match self.delivery.append(Outgoing::new(records)).await {
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
        let mut accepted = Vec::with_capacity(sources.len());
        for (source, record) in sources.into_iter().zip(payloads) {
            // Outcomes are told only where some record failed.
            match outcomes.next() {
                Some(RecordOutcome::Failed(failure)) => failed(&mut answer, source, failure),
                outcome => {
                    if let (true, Some(RecordOutcome::Stored(position))) = (wants_offsets, outcome) {
                        answer.stored = Some(StoredIn::Kafka);
                        answer.events.push(at(&source, position));
                    }
                    answer.accepted += 1;
                    stored.insert(source.index);
                    accepted.push(LiveEvent { anonymous_id: source.anonymous_id, record });
                }
            }
        }
        match reservation {
            Some(ours) if answer.retry == 0 => ours.settle(),
            Some(ours) => ours.settle_in_part(stored),
            None => {}
        }
        self.live.publish(accepted);
        answer.events.sort_by_key(|result| result.index);
        answer.code = if answer.invalid + answer.retry == 0 { "ok" } else { "partial" }.to_owned();
        Ok(answer)
    }
}
