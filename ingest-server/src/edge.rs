//! One request's way through the server, top to bottom: admit, decode, check, stamp, encode, delivery, answer.
//! Each step is a folder of its own and reaches back to none before it; HTTP's own matters are in `http`.

use crate::admit::{self, BodyBudget};
use crate::decode;
use crate::encode::{EncodeError, Shared};
use crate::live::{Live, LiveEvent};
use crate::metrics::Metrics;
use crate::refusal::Refused;
use crate::settings::{AddressPolicy, Settings};
use crate::stamp::Stamp;
use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use footfall_delivery::{
    Batch as Outgoing, Delivery, DeliveryError, Position, Priority, Receipt, Record, RecordFailure,
    RecordOutcome, Stored,
};
use footfall_event_model::wire::{EventRefused, decode_batch, decode_event};
use footfall_event_model::{Answer, EventResult, EventStatus, StoredIn};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Everything that a request meets on its way.
pub struct Edge {
    write_keys: BTreeSet<String>,
    address_policy: AddressPolicy,
    bodies: BodyBudget,
    delivery: Delivery,
    /// The requests that are being answered. They go on when their connection ends: a page that goes away has sent
    /// its batch all the same.
    pub requests: TaskTracker,
    /// What was just accepted.
    pub live: Live,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// What became of the events of one batch before delivery.
#[derive(Default)]
struct Judged {
    /// The records to deliver, in the order of the batch.
    records: Vec<Record>,
    /// For each record: the event's place in the batch, its id, and the browser.
    sources: Vec<Source>,
    /// One entry for each event that cannot be delivered.
    refused: Vec<EventResult>,
    unknown_fields: u32,
}

struct Source {
    index: u32,
    event_id: String,
    anonymous_id: Option<String>,
}

impl Edge {
    /// An edge in front of `delivery`.
    pub fn new(settings: &Settings, delivery: Delivery) -> Self {
        Self {
            write_keys: settings.write_keys.clone(),
            address_policy: settings.address_policy,
            bodies: BodyBudget::new(settings.http.max_body_bytes, settings.http.body_timeout),
            delivery,
            requests: TaskTracker::new(),
            live: Live::default(),
            metrics: Arc::default(),
        }
    }

    /// Where the records go.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Takes one request: when this returns `Ok`, every event counted as accepted is durable.
    ///
    /// # Errors
    /// [`Refused`] where the request is refused as a whole.
    pub async fn take(
        &self,
        peer: Option<IpAddr>,
        uri: &Uri,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Refused> {
        let admitted = admit::admit(uri, headers)?;
        if let Some(key) = &admitted.write_key {
            self.know(key)?;
        }
        let stamp = Stamp::new(peer, headers, self.address_policy);
        let (body, memory) = admit::read(&self.bodies, headers, body).await?;
        self.metrics.received_bytes.inc_by(body.len() as u64);
        let body = decode::unpack(admitted.encoding, body)?;
        let judged = self.judge(body, admitted.write_key, admitted.priority, &stamp)?;
        // The body is gone; from here on delivery counts what its records take.
        drop(memory);
        self.deliver(judged, admitted.wants_offsets).await
    }

    fn know(&self, key: &str) -> Result<(), Refused> {
        if self.write_keys.contains(key) {
            return Ok(());
        }
        Err(Refused::UnknownWriteKey(footfall_event_model::text::cut(key, 64).to_owned()))
    }

    /// Reads, checks and encodes the events of a batch, each on its own.
    fn judge(
        &self,
        mut body: Vec<u8>,
        key: Option<String>,
        priority: Priority,
        stamp: &Stamp,
    ) -> Result<Judged, Refused> {
        let decoded = decode_batch(&mut body)?;
        let mut batch = decoded.batch;
        let key = key.or(batch.write_key.take()).ok_or(Refused::NoWriteKey)?;
        self.know(&key)?;
        let context = batch.context.take().unwrap_or_default();
        let shared = Shared::new(&key, batch.batch_id.as_deref(), batch.sent_at, context, priority, stamp)
            .map_err(|error| defect(&error.into()))?;
        let mut judged = Judged { unknown_fields: decoded.unknown_fields, ..Judged::default() };
        judged.records.reserve_exact(batch.events.len());
        judged.sources.reserve_exact(batch.events.len());
        for (index, raw) in (0u32..).zip(&batch.events) {
            match decode_event(raw) {
                Ok(decoded) => {
                    judged.unknown_fields += decoded.unknown_fields;
                    let encoded = shared.encode(decoded.event).map_err(|error| defect(&error))?;
                    judged.records.push(encoded.record);
                    let (event_id, anonymous_id) = (encoded.event_id, encoded.anonymous_id);
                    judged.sources.push(Source { index, event_id, anonymous_id });
                }
                Err(refused) => judged.refused.push(invalid(index, refused)),
            }
        }
        Ok(judged)
    }

    /// Hands the records over, waits until they are durable, and says what became of each event.
    async fn deliver(&self, judged: Judged, wants_offsets: bool) -> Result<Answer, Refused> {
        let Judged { records, sources, refused, unknown_fields } = judged;
        let payloads: Vec<_> = records.iter().map(|record| record.payload.clone()).collect();
        let mut answer = Answer { unknown_fields, events: refused, ..Answer::default() };
        answer.invalid = answer.events.len() as u32;
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
                        error => return Err(error.into()),
                    }
                }
            }
        };
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
                    accepted.push(LiveEvent { anonymous_id: source.anonymous_id, record });
                }
            }
        }
        self.live.publish(accepted);
        answer.events.sort_by_key(|result| result.index);
        answer.code = if answer.invalid + answer.retry == 0 { "ok" } else { "partial" }.to_owned();
        Ok(answer)
    }
}

/// The entry of an event that broke a rule.
fn invalid(index: u32, refused: EventRefused) -> EventResult {
    let EventRefused { event_id, violations } = refused;
    let (code, path, reason) = violations.first().map_or((None, None, None), |first| {
        (Some(first.rule.code().to_owned()), Some(first.path.clone()), Some(first.message.clone()))
    });
    let violations = if violations.len() > 1 { violations } else { Vec::new() };
    EventResult { event_id, code, path, reason, violations, ..entry(index, EventStatus::Invalid) }
}

fn entry(index: u32, status: EventStatus) -> EventResult {
    EventResult {
        index,
        event_id: None,
        status,
        code: None,
        path: None,
        reason: None,
        violations: Vec::new(),
        partition: None,
        offset: None,
    }
}

/// The entry of an event that was taken and then not stored.
fn failed(answer: &mut Answer, source: Source, failure: RecordFailure) {
    let status = if failure.retry {
        answer.retry += 1;
        EventStatus::Retry
    } else {
        answer.invalid += 1;
        EventStatus::Invalid
    };
    answer.events.push(EventResult {
        event_id: Some(source.event_id),
        code: Some(failure.code.to_owned()),
        reason: Some(failure.reason),
        ..entry(source.index, status)
    });
}

/// Says where each accepted event is, for a caller who asked.
fn say_where(answer: &mut Answer, sources: &[Source], receipt: &Receipt) {
    let positions = match &receipt.stored {
        Stored::Journal => {
            answer.stored = Some(StoredIn::Journal);
            return;
        }
        Stored::Kafka(positions) => positions,
    };
    answer.stored = Some(StoredIn::Kafka);
    answer.events.extend(sources.iter().zip(positions).map(|(source, position)| at(source, *position)));
}

/// The entry of an accepted event whose place was asked for.
fn at(source: &Source, position: Position) -> EventResult {
    EventResult {
        event_id: Some(source.event_id.clone()),
        partition: Some(position.partition),
        offset: Some(position.offset),
        ..entry(source.index, EventStatus::Accepted)
    }
}

/// Nothing a sender does leads here; the operator finds the cause in the log.
fn defect(error: &EncodeError) -> Refused {
    tracing::error!(%error, "a checked event could not be encoded");
    Refused::Internal
}
