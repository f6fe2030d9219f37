//! From a checked event and its stamp to the record that stands in the topic: value, key and headers.
//! What all events of a batch share is written once; where the record goes is delivery's part.

mod cloud_event;
mod context;
mod dead_letter;
mod mask;
mod members;
mod own;
mod route;
mod texts;

pub(crate) use dead_letter::Came;
pub(crate) use mask::{Masked, mask};
pub(crate) use members::{Members, ObjectText};
pub(crate) use route::topic_of_record;
pub use texts::Texts;

use crate::decode::Beside;
use crate::settings::{BotPolicy, KafkaRoute};
use crate::stamp::{Agent, Clock, PageTexts, Seen, Stamper};
use bytes::Bytes;
use cloud_event::{begun_trace, is_traceparent};
use context::{kept_context, without_ids};
use footfall_delivery::{HEADERS_IN_TEXT, Header, Headers, Priority, Record as Outgoing};
use footfall_event_model::{
    Context, Event, Page, Record, SCHEMA_VERSION, Surroundings, SurroundingsText, uuid_v7,
};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

/// What all events of a batch share, made once.
pub struct Shared<'a> {
    write_key: &'a str,
    batch_id: Option<&'a str>,
    sent_at: Option<i64>,
    priority: Priority,
    clock: Clock,
    seen: Seen<'a>,
    context: Context,
    /// The context's user, else its browser.
    key: Option<Bytes>,
    anonymous_id: Option<Arc<str>>,
    /// The context's page, taken apart.
    page: Arc<PageTexts>,
    /// Pages that events said themselves, so that each is taken apart once.
    other_pages: RefCell<Vec<(Page, Arc<PageTexts>)>>,
    /// What stands in the records of events that say nothing of their own about it.
    surroundings: SurroundingsText,
    headers: Arc<[Header]>,
    /// What keeps its part of an address that the sender claims, where one may be claimed.
    claims: Option<&'a Stamper>,
    /// Which events go to another topic than the rest.
    routes: &'a [KafkaRoute],
}

/// What the answer and the live view say of a record.
pub struct Encoded {
    /// The event's id, given here where the sender gave none.
    pub event_id: String,
    /// The browser, where the sender said.
    pub anonymous_id: Option<Arc<str>>,
    /// How many bytes of the payload are the event's own; behind them stand its surroundings.
    pub own_bytes: usize,
}

impl<'a> Shared<'a> {
    /// Prepares what is the same for all events of a batch.
    ///
    /// # Errors
    /// [`EncodeError`] where the context cannot be written as JSON, which a context that was read can, or where the
    /// system gives no randomness.
    pub fn new(
        write_key: &'a str,
        batch_id: Option<&'a str>,
        sent_at: Option<i64>,
        mut context: Context,
        priority: Priority,
        seen: Seen<'a>,
    ) -> Result<Self, EncodeError> {
        let private = seen.stamp.private;
        if private {
            context = without_ids(context);
        }
        let mut headers = vec![
            header("ce_specversion", Bytes::from_static(b"1.0")),
            header("ce_source", Bytes::from(format!("/sites/{write_key}"))),
            header("content-type", Bytes::from_static(b"application/json")),
        ];
        if let Some(batch_id) = batch_id {
            headers.push(header("batch_id", Bytes::copy_from_slice(batch_id.as_bytes())));
        }
        let page = context.page.as_ref().map(|page| seen.pages.read(page, private)).transpose()?;
        let page = Arc::new(page.unwrap_or_default());
        let surroundings = Surroundings {
            sent_at,
            received_at: seen.stamp.received_at,
            write_key,
            site: seen.site,
            server: seen.server,
            batch_id,
            anonymous_id: context.anonymous_id.as_deref(),
            session_id: context.session_id.as_deref(),
            page_view_id: context.page_view_id.as_deref(),
            context: kept_context(&context)?.as_deref(),
            client: &seen.stamp.client,
            user_agent: seen.agent.map(|agent| &*agent.text),
            page: page.page.as_deref(),
            referrer: page.referrer.as_deref(),
            campaign: page.campaign.as_deref(),
        }
        .written()?;
        let key = context.user_id.as_deref().or(context.anonymous_id.as_deref());
        let traces = [&context.traceparent, &seen.stamp.traceparent];
        let trace = traces.into_iter().flatten().find(|text| is_traceparent(text));
        // The trace of events that name none themselves: the context's, else the request's, else one that begins here.
        let traceparent = trace.map_or_else(begun_trace, |text| Bytes::copy_from_slice(text.as_bytes()));
        headers.push(header(TRACEPARENT, traceparent));
        Ok(Self {
            write_key,
            batch_id,
            sent_at,
            priority,
            clock: Clock::new(sent_at, seen.stamp.received_at),
            key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
            anonymous_id: context.anonymous_id.as_deref().map(Arc::from),
            seen,
            context,
            page,
            other_pages: RefCell::default(),
            surroundings,
            headers: headers.into(),
            claims: None,
            routes: &[],
        })
    }

    /// The code of the policy that drops all of the batch's events, where there is one.
    pub fn dropped_for(&self) -> Option<&'static str> {
        let is_bot = self.seen.agent.is_some_and(|agent| agent.bot);
        (is_bot && self.drops_bots()).then_some("bot")
    }

    /// Whether the site takes no events of bots.
    pub fn drops_bots(&self) -> bool {
        self.seen.pages.bots == BotPolicy::Drop
    }

    /// The same for an event that is to be kept as if its visitor had asked for privacy.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn nameless(&self) -> Result<Self, EncodeError> {
        let seen = Seen { stamp: Cow::Owned(self.seen.stamp.nameless()), ..self.seen.clone() };
        let (batch_id, sent_at) = (self.batch_id, self.sent_at);
        let made = Self::new(self.write_key, batch_id, sent_at, self.context.clone(), self.priority, seen)?;
        Ok(made.believing(self.claims).routed(self.routes))
    }

    /// The same where a sender may say another address than its own, of which `stamper` keeps its part.
    #[must_use]
    pub fn believing(self, stamper: Option<&'a Stamper>) -> Self {
        Self { claims: stamper, ..self }
    }

    /// The same where some events go to topics of their own.
    #[must_use]
    pub fn routed(self, routes: &'a [KafkaRoute]) -> Self {
        Self { routes, ..self }
    }

    /// Adds the record of one event, whose id it takes, to `records`, its bytes among `texts`; `agent` is who it was sent
    /// for, where a server speaks
    /// for somebody.
    ///
    /// # Errors
    /// [`EncodeError`] where the system gives no randomness for an id, or the record cannot be written.
    pub fn encode(
        &self,
        event: &mut Event,
        beside: &Beside,
        agent: Option<&Agent>,
        texts: &mut Texts,
        records: &mut Vec<Outgoing>,
    ) -> Result<Encoded, EncodeError> {
        let stamp = &*self.seen.stamp;
        if stamp.private {
            (event.user_id, event.group_id, event.previous_id) = (None, None, None);
            // Traits say who somebody is: a name, an e-mail address.
            event.traits = None;
        }
        let topic = route::topic(self.routes, self.write_key, event);
        let mut own = self.own(event, beside, agent);
        let own_text = own.as_mut().map(|own| self.surroundings_of(own)).transpose()?;
        let surroundings = own_text.as_ref().unwrap_or(&self.surroundings);
        let context = own.as_ref().map_or(&self.context, |own| &own.context);
        let event_id = match event.event_id.take() {
            Some(id) => id,
            None => new_id(stamp.received_at)?,
        };
        let time = self.clock.place(event.timestamp);
        let record = Record {
            schema_version: SCHEMA_VERSION,
            event_id: &event_id,
            kind: event.kind,
            name: event.name.as_deref(),
            original_name: beside.original_name.as_deref(),
            timestamp: time.timestamp,
            original_timestamp: time.original,
            clock_skew_ms: self.clock.skew_ms(),
            time_flag: time.flag,
            seq: event.seq,
            user_id: event.user_id.as_deref().or(context.user_id.as_deref()),
            group_id: event.group_id.as_deref().or(context.group_id.as_deref()),
            previous_id: event.previous_id.as_deref(),
            properties: event.properties.as_ref(),
            traits: event.traits.as_ref(),
            key_event: event.key_event,
            possible_duplicate: event.possible_duplicate,
        };
        // The values of the headers and the payload are one text.
        let text = texts.begin();
        text.append(event_id.as_bytes());
        let id_end = text.len();
        cloud_event::append_type(text, event.kind, event.name.as_deref());
        let type_end = text.len();
        cloud_event::append_time(text, time.timestamp);
        let time_end = text.len();
        let own_bytes = record.append_to(text, surroundings)?;
        let mut text = texts.keep();
        let payload = text.split_off(time_end);
        let ends = [id_end, type_end, time_end];
        let mut headers = Headers::in_text(&OWN_HEADERS, text, ends, Arc::clone(&self.headers));
        let own_trace = own.as_ref().and_then(|own| own.context.traceparent.as_ref());
        if let Some(own_trace) = own_trace.filter(|text| is_traceparent(text)) {
            // The batch's stands last.
            if let Some(last) = headers.to_mut().last_mut() {
                last.value = Bytes::copy_from_slice(own_trace.as_bytes());
            }
        }
        let anonymous_id = match &own {
            Some(own) => own.context.anonymous_id.as_deref().map(Arc::from),
            None => self.anonymous_id.clone(),
        };
        let key = match (&event.user_id, &own) {
            (None, None) => self.key.clone(),
            _ => record.user_id.or(anonymous_id.as_deref()).map(|key| Bytes::copy_from_slice(key.as_bytes())),
        };
        // A key event may come in a batch that was not marked: the promise is made for the event.
        let priority = if event.key_event == Some(true) { Priority::Key } else { self.priority };
        records.push(Outgoing { key, headers, payload, priority, topic });
        Ok(Encoded { event_id, anonymous_id, own_bytes })
    }
}

/// Why a record could not be made; never by the sender's fault.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The record could not be written as JSON.
    #[error("the record could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// There is no event at that place of its batch, which would be a defect.
    #[error("the event at place {0} was not read")]
    NotRead(u32),
    /// The system gives no randomness.
    #[error("no randomness for an id: {0}")]
    Random(#[from] getrandom::Error),
}

fn new_id(received_at: i64) -> Result<String, getrandom::Error> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)?;
    Ok(uuid_v7(received_at.unsigned_abs(), &random))
}

/// The headers that stand in one text with each record's value, in front of it.
pub(crate) const OWN_HEADERS: [&str; HEADERS_IN_TEXT] = ["ce_id", "ce_type", "ce_time"];
const TRACEPARENT: &str = "traceparent";

fn header(name: &'static str, value: Bytes) -> Header {
    Header { name: Cow::Borrowed(name), value }
}

#[cfg(test)]
mod tests;
