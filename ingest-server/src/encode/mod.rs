//! From a checked event and its stamp to the record that stands in the topic: value, key and headers.
//! The headers follow the CloudEvents 1.0 Kafka binding in binary mode; where the record goes is delivery's part.

mod dead_letter;
mod mask;

pub(crate) use mask::{Masked, mask};

use crate::decode::Beside;
use crate::settings::BotPolicy;
use crate::stamp::{Agent, Clock, PageTexts, Seen, Stamp, Stamper};
use bytes::Bytes;
use footfall_delivery::{Header, Priority, Record as Outgoing};
use footfall_event_model::{Client, Context, Event, EventType, Page, Record, SCHEMA_VERSION, uuid_v7};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// What all events of a batch share, made once.
pub struct Shared<'a> {
    write_key: &'a str,
    batch_id: Option<&'a str>,
    sent_at: Option<i64>,
    priority: Priority,
    clock: Clock,
    seen: Seen<'a>,
    context: Context,
    /// The context's text as it stands in the records of events that override nothing.
    context_text: Option<Box<RawValue>>,
    /// The context's page, taken apart.
    page: Arc<PageTexts>,
    /// Pages that events said themselves, so that each is taken apart once.
    other_pages: RefCell<Vec<(Page, Arc<PageTexts>)>>,
    headers: Vec<Header>,
    /// What keeps its part of an address that the sender claims, where one may be claimed.
    claims: Option<&'a Stamper>,
}

/// Bytes of a record beside the texts that stand in it whole: its ids, times and names.
const OWN_BYTES: usize = 896;

/// Pages of one batch that are remembered; those above are taken apart for each event.
const OTHER_PAGES: usize = 16;

/// A record on its way out, and what the answer and the live view say of it.
pub struct Encoded {
    /// The record.
    pub record: Outgoing,
    /// The event's id, given here where the sender gave none.
    pub event_id: String,
    /// The browser, where the sender said.
    pub anonymous_id: Option<String>,
}

impl<'a> Shared<'a> {
    /// Prepares what is the same for all events of a batch.
    ///
    /// # Errors
    /// [`serde_json::Error`] where the context cannot be written as JSON, which a context that was read can.
    pub fn new(
        write_key: &'a str,
        batch_id: Option<&'a str>,
        sent_at: Option<i64>,
        mut context: Context,
        priority: Priority,
        seen: Seen<'a>,
    ) -> Result<Self, serde_json::Error> {
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
        let context_text = kept_context(&context)?;
        let page = context.page.as_ref().map(|page| seen.pages.read(page, private)).transpose()?;
        let (page, other_pages) = (Arc::new(page.unwrap_or_default()), RefCell::default());
        Ok(Self {
            write_key,
            batch_id,
            sent_at,
            priority,
            clock: Clock::new(sent_at, seen.stamp.received_at),
            seen,
            context,
            context_text,
            page,
            other_pages,
            headers,
            claims: None,
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
    pub fn nameless(&self) -> Result<Self, serde_json::Error> {
        let seen = Seen { stamp: Cow::Owned(self.seen.stamp.nameless()), ..self.seen.clone() };
        let (batch_id, sent_at) = (self.batch_id, self.sent_at);
        let made = Self::new(self.write_key, batch_id, sent_at, self.context.clone(), self.priority, seen)?;
        Ok(made.believing(self.claims))
    }

    /// The same where a sender may say another address than its own, of which `stamper` keeps its part.
    #[must_use]
    pub fn believing(self, stamper: Option<&'a Stamper>) -> Self {
        Self { claims: stamper, ..self }
    }

    /// Where the visitor is for whom a server speaks, as far as it may.
    fn claimed(&self, beside: &Beside) -> Option<Client> {
        let (stamper, address) = (self.claims?, beside.address?);
        let Stamp { received_at, private, client, .. } = &*self.seen.stamp;
        Some(stamper.client(*received_at, Some(address), client.null_origin, *private))
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
            event.context = event.context.map(|own| Box::new(without_ids(*own)));
        }
        let own_page = event.context.as_mut().and_then(|own| own.page.take());
        let page = match own_page {
            Some(page) => self.page_of(page)?,
            None => Arc::clone(&self.page),
        };
        let own = event.context.as_ref().filter(|own| ***own != Context::default());
        let own = own.map(|own| self.context.overridden_by(own));
        let own_text = own.as_ref().map(kept_context).transpose()?.flatten();
        let (context, context_text) = match &own {
            Some(own) => (own, own_text.as_deref()),
            None => (&self.context, self.context_text.as_deref()),
        };
        let event_id = match event.event_id {
            Some(id) => id,
            None => new_id(stamp.received_at)?,
        };
        let time = self.clock.place(event.timestamp);
        let user_id = event.user_id.as_deref().or(context.user_id.as_deref());
        let anonymous_id = context.anonymous_id.as_deref();
        let claimed = self.claimed(beside);
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
            sent_at: self.sent_at,
            received_at: stamp.received_at,
            seq: event.seq,
            write_key: self.write_key,
            batch_id: self.batch_id,
            user_id,
            anonymous_id,
            session_id: context.session_id.as_deref(),
            group_id: event.group_id.as_deref().or(context.group_id.as_deref()),
            page_view_id: context.page_view_id.as_deref(),
            previous_id: event.previous_id.as_deref(),
            properties: event.properties.as_ref(),
            traits: event.traits.as_ref(),
            context: context_text,
            key_event: event.key_event,
            possible_duplicate: event.possible_duplicate,
            client: claimed.as_ref().unwrap_or(&stamp.client),
            user_agent: agent.or(self.seen.agent).map(|agent| &*agent.text),
            page: page.page.as_deref(),
            referrer: page.referrer.as_deref(),
            campaign: page.campaign.as_deref(),
        };
        let texts = [context_text, record.user_agent, record.page, record.referrer, record.campaign];
        let bags = [record.properties, record.traits];
        let size = texts.into_iter().flatten().map(|text| text.get().len()).sum::<usize>()
            + bags.into_iter().flatten().map(|bag| bag.text().len()).sum::<usize>();
        let mut payload = Vec::with_capacity(size + OWN_BYTES);
        serde_json::to_writer(&mut payload, &record)?;
        let payload = one_line(payload);

        let mut headers = Vec::with_capacity(self.headers.len() + 4);
        headers.push(header("ce_id", Bytes::copy_from_slice(event_id.as_bytes())));
        headers.push(header("ce_type", Bytes::from(cloud_event_type(event.kind, event.name.as_deref()))));
        headers.push(header("ce_time", Bytes::from(rfc3339(time.timestamp))));
        headers.extend_from_slice(&self.headers);
        if let Some(traceparent) = context.traceparent.as_ref().filter(|text| is_traceparent(text)) {
            headers.push(header("traceparent", Bytes::copy_from_slice(traceparent.as_bytes())));
        }
        let key = user_id.or(anonymous_id).map(|key| Bytes::copy_from_slice(key.as_bytes()));
        // A key event may come in a batch that was not marked: the promise is made for the event.
        let priority = if event.key_event == Some(true) { Priority::Key } else { self.priority };
        let anonymous_id = anonymous_id.map(str::to_owned);
        Ok(Encoded { record: Outgoing { key, headers, payload, priority }, event_id, anonymous_id })
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

/// Whether a text has the form of W3C Trace Context's `traceparent`, version 00 (section 3.2); another one would only
/// break a consumer's tracing.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, length| {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        part.len() == length && part.bytes().all(lower_hex)
    };
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], ["00", trace, parent, flags] if hex(trace, 32) && hex(parent, 16) && hex(flags, 2))
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

/// A record is one line, so that a journal or a topic printed record by record is JSON Lines. A sender's own line
/// breaks stand between its values only: inside a string JSON allows none (RFC 8259, section 7).
pub(crate) fn one_line(mut json: Vec<u8>) -> Bytes {
    for byte in &mut json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    json.into()
}

/// `footfall.track.post_view`, `footfall.page`.
fn cloud_event_type(kind: EventType, name: Option<&str>) -> String {
    let (prefix, kind) = ("footfall.", kind.as_str());
    match name {
        Some(name) => [prefix, kind, ".", name].concat(),
        None => [prefix, kind].concat(),
    }
}

/// A time for `ce_time`; the clock has made one of it that RFC 3339 can write.
fn rfc3339(unix_ms: i64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(unix_ms.max(0).unsigned_abs());
    humantime::format_rfc3339_millis(time).to_string()
}

fn header(name: &'static str, value: Bytes) -> Header {
    Header { name: Cow::Borrowed(name), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{PageSettings, SiteSettings};
    use crate::stamp::PageRules;
    use footfall_event_model::{Json, check};
    use proptest::prelude::*;
    use serde_json::Value;

    fn encoded(event: Event, context: Context) -> Encoded {
        let client = Client { address_policy: "drop", ..Client::default() };
        let stamp = Stamp { received_at: 7, client, user_agent: None, private: false };
        let pages = PageRules::new(&SiteSettings::default(), &PageSettings::default());
        let seen = Seen { stamp: Cow::Borrowed(&stamp), agent: None, pages: &pages };
        let shared = Shared::new("pk", Some("b"), None, context, Priority::Normal, seen).unwrap();
        shared.encode(event, &Beside::default(), None).unwrap()
    }

    fn header_of(record: &Outgoing, name: &str) -> Option<String> {
        let found = record.headers.iter().find(|header| header.name == name)?;
        Some(String::from_utf8(found.value.to_vec()).unwrap())
    }

    proptest! {
        #[test]
        fn whatever_check_accepts_becomes_one_line_of_json_that_says_the_same(
            ids in prop::array::uniform4(prop::option::of("[ -~]{1,12}|[äß漢😀]{1,4}")), timestamp: i64, seq: Option<u64>,
            text in "\\PC{0,8}", kind in prop::sample::select(EventType::ALL.to_vec()),
        ) {
            let [event_id, user_id, anonymous_id, group_id] = ids;
            let group_id = group_id.or((kind == EventType::Group).then(|| "g".to_owned()));
            let properties = format!("{{\n\t\"text\" :\r\n{}}}", serde_json::json!(text));
            let event = Event {
                event_id: event_id.clone(), kind, name: Some("a".to_owned()), timestamp: Some(timestamp), seq,
                user_id: user_id.clone(), group_id: group_id.clone(), previous_id: Some("p".to_owned()),
                properties: Some(Json::parse(properties).unwrap()), ..Event::default()
            };
            prop_assert!(check(&event).is_ok());
            let context = Context { anonymous_id: anonymous_id.clone(), ..Context::default() };
            let made = encoded(event, context);
            prop_assert!(!made.record.payload.contains(&b'\n') && !made.record.payload.contains(&b'\r'));
            let record: Value = serde_json::from_slice(&made.record.payload).unwrap();
            for (field, said) in [("user_id", &user_id), ("anonymous_id", &anonymous_id), ("group_id", &group_id)] {
                prop_assert_eq!(record.get(field).and_then(Value::as_str), said.as_deref());
            }
            prop_assert_eq!(&record["properties"]["text"], &Value::from(text));
            prop_assert_eq!(record.get("original_timestamp").unwrap_or(&record["timestamp"]).as_i64(), Some(timestamp));
            prop_assert_eq!(record["seq"].as_u64(), seq);
            prop_assert_eq!(record["type"].as_str(), Some(kind.as_str()));
            prop_assert_eq!(header_of(&made.record, "ce_id"), event_id.or(Some(made.event_id)));
            let key = made.record.key.map(|key| String::from_utf8(key.to_vec()).unwrap());
            prop_assert_eq!(key, user_id.or(anonymous_id));
        }
    }

    #[test]
    fn a_trace_is_passed_on_only_in_its_form() {
        let right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (text, passed) in
            [(right, true), ("00-1-2-01", false), ("", false), (&right.to_uppercase(), false)]
        {
            let context = Context { traceparent: Some(text.to_owned()), ..Context::default() };
            let made = encoded(Event::track("a"), context);
            assert_eq!(header_of(&made.record, "traceparent").is_some(), passed, "{text}");
        }
    }
}
