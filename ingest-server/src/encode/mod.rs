//! From a checked event and its stamp to the record that stands in the topic: value, key and headers.
//! What all events of a batch share is written once; where the record goes is delivery's part.

mod cloud_event;
mod dead_letter;
mod mask;
mod members;
mod route;

pub(crate) use dead_letter::Came;
pub(crate) use mask::{Masked, mask};
pub(crate) use members::{Members, ObjectText};
pub(crate) use route::topic_of_record;

use crate::decode::Beside;
use crate::settings::{BotPolicy, KafkaRoute};
use crate::stamp::{Agent, Clock, PageTexts, Seen, Stamp, Stamper};
use bytes::Bytes;
use cloud_event::{begun_trace, is_traceparent};
use footfall_delivery::{Header, Priority, Record as Outgoing};
use footfall_event_model::{
    Client, Context, Event, Page, Record, SCHEMA_VERSION, Surroundings, SurroundingsText, uuid_v7,
};
use serde_json::value::RawValue;
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
    /// The trace of events that name none themselves: the context's, else the request's, else one that begins here.
    traceparent: Bytes,
    anonymous_id: Option<Arc<str>>,
    /// The context's page, taken apart.
    page: Arc<PageTexts>,
    /// Pages that events said themselves, so that each is taken apart once.
    other_pages: RefCell<Vec<(Page, Arc<PageTexts>)>>,
    /// What stands in the records of events that say nothing of their own about it.
    surroundings: SurroundingsText,
    headers: Vec<Header>,
    /// What keeps its part of an address that the sender claims, where one may be claimed.
    claims: Option<&'a Stamper>,
    /// Which events go to another topic than the rest.
    routes: &'a [KafkaRoute],
}

/// Bytes of a record beside the texts that stand in it whole: its ids, times, names, and values of headers.
const OWN_BYTES: usize = 384;

/// Pages of one batch that are remembered; those above are taken apart for each event.
const OTHER_PAGES: usize = 16;

/// A record on its way out, and what the answer and the live view say of it.
pub struct Encoded {
    /// The record.
    pub record: Outgoing,
    /// The event's id, given here where the sender gave none.
    pub event_id: String,
    /// The browser, where the sender said.
    pub anonymous_id: Option<Arc<str>>,
    /// How many bytes of the payload are the event's own; behind them stand its surroundings.
    pub own_bytes: usize,
}

/// What an event says of its surroundings itself.
struct Own<'e> {
    context: Context,
    page: Option<Page>,
    client: Option<Client>,
    agent: Option<&'e Agent>,
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
        let traceparent = trace.map_or_else(begun_trace, |text| Ok(text.clone()))?.into();
        Ok(Self {
            write_key,
            batch_id,
            sent_at,
            priority,
            clock: Clock::new(sent_at, seen.stamp.received_at),
            key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
            traceparent,
            anonymous_id: context.anonymous_id.as_deref().map(Arc::from),
            seen,
            context,
            page,
            other_pages: RefCell::default(),
            surroundings,
            headers,
            claims: None,
            routes: &[],
        })
    }

    /// The code of the policy that drops all of the batch's events, where there is one.
    pub fn dropped_for(&self) -> Option<&'static str> {
        let is_bot = self.seen.agent.is_some_and(|agent| agent.bot);
        (is_bot && self.seen.pages.bots == BotPolicy::Drop).then_some("bot")
    }

    /// The texts of a page that an event says itself.
    fn page_of(&self, page: Page) -> Result<Arc<PageTexts>, serde_json::Error> {
        let mut known = self.other_pages.borrow_mut();
        if let Some((_, texts)) = known.iter().find(|(other, _)| *other == page) {
            return Ok(Arc::clone(texts));
        }
        let texts = Arc::new(self.seen.pages.read(&page, self.seen.stamp.private)?);
        if known.len() < OTHER_PAGES {
            known.push((page, Arc::clone(&texts)));
        }
        Ok(texts)
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

    /// Where the visitor is for whom a server speaks, as far as it may.
    fn claimed(&self, beside: &Beside) -> Option<Client> {
        let (stamper, address) = (self.claims?, beside.address?);
        let Stamp { received_at, private, client, .. } = &*self.seen.stamp;
        Some(stamper.client(*received_at, Some(address), client.null_origin, *private))
    }

    /// What this event says of its surroundings itself, taken out of it; `None` where it says nothing.
    fn own<'e>(&self, event: &mut Event, beside: &Beside, agent: Option<&'e Agent>) -> Option<Own<'e>> {
        let mut over = event.context.take().filter(|over| **over != Context::default());
        let client = self.claimed(beside);
        if over.is_none() && client.is_none() && agent.is_none() {
            return None;
        }
        let page = over.as_mut().and_then(|over| over.page.take());
        let over = over.map(|over| if self.seen.stamp.private { without_ids(*over) } else { *over });
        let context = over.map_or_else(|| self.context.clone(), |over| self.context.overridden_by(&over));
        Some(Own { context, page, client, agent })
    }

    /// The surroundings of an event that says something of them itself.
    fn surroundings_of(&self, own: &mut Own<'_>) -> Result<SurroundingsText, serde_json::Error> {
        let page = match own.page.take() {
            Some(page) => self.page_of(page)?,
            None => Arc::clone(&self.page),
        };
        Surroundings {
            sent_at: self.sent_at,
            received_at: self.seen.stamp.received_at,
            write_key: self.write_key,
            site: self.seen.site,
            server: self.seen.server,
            batch_id: self.batch_id,
            anonymous_id: own.context.anonymous_id.as_deref(),
            session_id: own.context.session_id.as_deref(),
            page_view_id: own.context.page_view_id.as_deref(),
            context: kept_context(&own.context)?.as_deref(),
            client: own.client.as_ref().unwrap_or(&self.seen.stamp.client),
            user_agent: own.agent.or(self.seen.agent).map(|agent| &*agent.text),
            page: page.page.as_deref(),
            referrer: page.referrer.as_deref(),
            campaign: page.campaign.as_deref(),
        }
        .written()
    }

    /// Makes the record of one event; `agent` is who it was sent for, where a server speaks for somebody.
    ///
    /// # Errors
    /// [`EncodeError`] where the system gives no randomness for an id, or the record cannot be written.
    pub fn encode(
        &self,
        mut event: Event,
        beside: &Beside,
        agent: Option<&Agent>,
    ) -> Result<Encoded, EncodeError> {
        let stamp = &*self.seen.stamp;
        if stamp.private {
            (event.user_id, event.group_id, event.previous_id) = (None, None, None);
            // Traits say who somebody is: a name, an e-mail address.
            event.traits = None;
        }
        let topic = route::topic(self.routes, self.write_key, &event);
        let mut own = self.own(&mut event, beside, agent);
        let own_text = own.as_mut().map(|own| self.surroundings_of(own)).transpose()?;
        let surroundings = own_text.as_ref().unwrap_or(&self.surroundings);
        let context = own.as_ref().map_or(&self.context, |own| &own.context);
        let event_id = match event.event_id {
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
        let bags = [record.properties, record.traits].into_iter().flatten();
        let size = surroundings.len() + bags.map(|bag| bag.text().len()).sum::<usize>();
        // The values of the headers and the payload are one piece of memory: allocated once, freed once.
        let mut text = Vec::with_capacity(size + OWN_BYTES);
        text.extend_from_slice(event_id.as_bytes());
        let id_end = text.len();
        cloud_event::append_type(&mut text, event.kind, event.name.as_deref());
        let type_end = text.len();
        cloud_event::append_time(&mut text, time.timestamp);
        let time_end = text.len();
        let own_bytes = record.append_to(&mut text, surroundings)?;
        let text = Bytes::from(text);

        let mut headers = Vec::with_capacity(self.headers.len() + 4);
        headers.push(header("ce_id", text.slice(..id_end)));
        headers.push(header("ce_type", text.slice(id_end..type_end)));
        headers.push(header("ce_time", text.slice(type_end..time_end)));
        headers.extend_from_slice(&self.headers);
        let own_trace = own.as_ref().and_then(|own| own.context.traceparent.as_ref());
        headers.push(match own_trace.filter(|text| is_traceparent(text)) {
            Some(traceparent) => header("traceparent", Bytes::copy_from_slice(traceparent.as_bytes())),
            None => header("traceparent", self.traceparent.clone()),
        });
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
        let payload = text.slice(time_end..);
        let record = Outgoing { key, headers, payload, priority, topic };
        Ok(Encoded { record, event_id, anonymous_id, own_bytes })
    }
}

/// Why a record could not be made; both are the machine's fault, never the sender's.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The record could not be written as JSON.
    #[error("the record could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The system gives no randomness.
    #[error("no randomness for an id: {0}")]
    Random(#[from] getrandom::Error),
}

/// The context as it stands in a record: without the ids and the page, which stand on their own there, and without the user's
/// signature, which would let a reader of the topic speak in the user's name.
fn kept_context(context: &Context) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    let kept = Context { page: None, ..without_ids(context.clone()) };
    if kept == Context::default() {
        return Ok(None);
    }
    serde_json::value::to_raw_value(&kept).map(Some)
}

/// A context that does not say who it was.
fn without_ids(context: Context) -> Context {
    Context {
        anonymous_id: None,
        session_id: None,
        user_id: None,
        user_signature: None,
        group_id: None,
        page_view_id: None,
        ..context
    }
}

fn new_id(received_at: i64) -> Result<String, getrandom::Error> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)?;
    Ok(uuid_v7(received_at.unsigned_abs(), &random))
}

fn header(name: &'static str, value: Bytes) -> Header {
    Header { name: Cow::Borrowed(name), value }
}

#[cfg(test)]
mod tests;
