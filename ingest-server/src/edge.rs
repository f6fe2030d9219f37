//! One request's way through the server, top to bottom: client, admit, decode, stamp, reserve the batch, check, reserve its
//! events, encode, delivery, settle ids, answer. Each step is a module of its own and reaches back to none before it;
//! HTTP's own matters are in `http`. Check is entered a second time for events of a server that speaks for others, on a
//! site that takes none of bots: they wait until the browsers that they name are read.

mod deliver;
mod shared;

use crate::admit::{self, BodyBudget, InFlight, Limits, Privacy, Quota, Shedding};
use crate::check::{AnonymousPolicy, Checker, SiteChecks};
use crate::client;
use crate::decode::Shape;
use crate::encode::{Came, Shared};
use crate::event_ids::EventIds;
use crate::format::RecordFormat;
use crate::judge::{Before, Judge, defect};
use crate::live::{Live, Site};
use crate::metrics::{Metrics, Timed};
use crate::receipts::{EventSet, Receipts, Reserved};
use crate::refusal::{RefusalLog, Refused};
use crate::results::all_dropped;
use crate::settings::{BotPolicy, KafkaRoute, ProxySettings, Settings};
use crate::shared::SharedMemory;
use crate::sites::Sites;
use crate::stamp::place::Places;
use crate::stamp::{Agents, Claimed, Names, Pages, Seen, Stamper, unix_ms};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use deliver::Ours;
use footfall_delivery::{Delivery, Guarantee};
use footfall_event_model::Answer;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use tokio_util::task::TaskTracker;

/// Everything that a request meets on its way.
pub struct Edge {
    proxies: ProxySettings,
    stamper: Stamper,
    bodies: BodyBudget,
    limits: Limits,
    shedding: Shedding,
    agents: Agents,
    pages: Pages,
    names: Names,
    delivery: Delivery,
    /// Whether events are answered before they are durable, as at-most-once has it.
    answers_early: bool,
    /// Which events go to another topic than the rest.
    routes: Vec<KafkaRoute>,
    /// The form in which delivery gets a record.
    format: RecordFormat,
    /// The sites and what is set for each.
    pub sites: Sites,
    /// What is checked of the events of each key.
    checks: BTreeMap<String, SiteChecks>,
    /// Whether refused events are kept as dead letters.
    keeps_letters: bool,
    /// The batches that are durable already.
    pub receipts: Receipts,
    /// The events that are durable already.
    pub event_ids: EventIds,
    /// What is shared with other servers, if anything.
    pub shared: Option<Arc<SharedMemory>>,
    /// The requests that are being answered. They go on when their connection ends: a page that goes away has sent
    /// its batch all the same.
    pub requests: TaskTracker,
    /// What was just accepted and refused.
    pub live: Live,
    /// What is logged of those who are refused.
    pub refusals: RefusalLog,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Edge {
    /// An edge in front of `delivery`, with the memory of what that has stored.
    pub fn new(
        settings: &Settings,
        delivery: Delivery,
        format: RecordFormat,
        receipts: Receipts,
        places: Arc<Places>,
        shared: Option<Arc<SharedMemory>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (hits, misses) = (metrics.user_agent_hits.clone(), metrics.user_agent_misses.clone());
        Self {
            proxies: settings.proxies.clone(),
            stamper: Stamper::new(settings.address_policy, places),
            agents: Agents::new(settings.device, hits, misses),
            pages: Pages::new(settings),
            names: Names::new(settings),
            bodies: BodyBudget::new(settings.http.max_body_bytes, settings.http.body_timeout),
            limits: Limits::new(settings, shared.clone()),
            shedding: Shedding::new(&settings.limits),
            delivery,
            answers_early: settings
                .delivery
                .kafka
                .as_ref()
                .is_some_and(|kafka| kafka.guarantee == Guarantee::AtMostOnce),
            routes: settings.kafka_routes.clone(),
            format,
            sites: Sites::new(settings),
            checks: settings.checks.clone(),
            keeps_letters: settings.dead_letters,
            receipts,
            event_ids: EventIds::new(settings.event_ids_max_bytes),
            shared,
            requests: TaskTracker::new(),
            live: Live::new(&settings.write_keys),
            refusals: RefusalLog::default(),
            metrics,
        }
    }

    /// Where the records go.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Whether an answer speaks of events that are not durable yet.
    pub(crate) fn is_early(&self, answer: &Answer) -> bool {
        self.answers_early && answer.accepted > 0
    }

    /// Whether a client came by TLS that a trusted proxy took off.
    pub(crate) fn came_by_tls(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        client::came_by_tls(&self.proxies, peer, headers)
    }

    /// What is in flight now.
    pub(crate) fn in_flight(&self) -> InFlight {
        let (bodies, max_bodies) = self.bodies.used();
        let (records, max_records) = self.delivery.memory();
        InFlight { bodies, max_bodies, records, max_records }
    }

    /// Takes one request, its events in that shape: when this returns `Ok`, every event counted as accepted is durable.
    ///
    /// What is left of a rate limit is put into `quota`, and whose request it is into `site`, once that is known.
    ///
    /// # Errors
    /// [`Refused`] where the request is refused as a whole.
    pub async fn take<'a>(
        &'a self,
        shape: Shape,
        peer: Option<IpAddr>,
        head: &Parts,
        body: Body,
        quota: &OnceLock<Quota>,
        site: &mut Option<&'a Site>,
    ) -> Result<Answer, Refused> {
        let (uri, headers) = (&head.uri, &head.headers);
        let mut step = self.metrics.steps.begin();
        let client = client::address(&self.proxies, peer, headers);
        let admitted = admit::admit(shape, uri, headers)?;
        if let Some(key) = &admitted.write_key {
            *site = self.live.site(key);
            self.sites.admit(key, headers)?;
        }
        self.shared.as_ref().map_or(Ok(()), |shared| shared.admit())?;
        let left = self.limits.request(client, admitted.write_key.as_deref()).await?;
        self.shedding.admit(&self.in_flight(), admitted.priority)?;
        let received_at = unix_ms(SystemTime::now());
        step.enter(Timed::Read);
        let (body, memory) = admit::read(&self.bodies, headers, body).await?;
        self.metrics.received_bytes.inc_by(body.len() as u64);
        step.enter(Timed::Decode);
        let mut body = shape.text(uri, admitted.encoding, body)?;
        let decoded = shape.batch(&mut body)?;
        let mut batch = decoded.batch;
        let key = admitted.write_key.or(batch.write_key.take()).ok_or(Refused::NoWriteKey)?;
        *site = self.live.site(&key);
        self.sites.admit(&key, headers)?;
        let live = site.ok_or(Refused::NoWriteKey)?;
        if let Some(left) = self.limits.events(&key, batch.events.len()).await?.or(left) {
            quota.get_or_init(|| left);
        }
        let privacy = self.sites.privacy(&key, headers);
        if let Privacy::Dropped(signal) = privacy {
            let mut answer = all_dropped(batch.events.len(), signal);
            answer.receipts = self.ask(&key, &batch.unconfirmed, batch.sent_at, received_at).await;
            self.metrics.protect.count_dropped(signal, batch.events.len());
            self.live.publish(live.unseen("policy", &answer.events));
            return Ok(answer);
        }
        let private = privacy == Privacy::Anonymous;
        step.enter(Timed::Stamp);
        let stamp = self.stamper.stamp(received_at, client, headers, private);
        let checks = self.checks.get(&key).ok_or(Refused::NoWriteKey)?;
        let pages = self.pages.of(&key);
        // Where some events are kept without what tells whose they were, the header itself is kept of none.
        let hides = private || checks.anonymous == AnonymousPolicy::Anonymise;
        let tags_bots = pages.bots != BotPolicy::Keep;
        let agent = self.agents.of(headers, hides, tags_bots).await;
        step.enter(Timed::ReserveBatch);
        let mut reservation = None;
        let mut before = Before::Some(EventSet::default());
        let mut holding = self.shared.as_ref().map(|shared| shared.hold(&key));
        if let Some(batch_id) = &batch.batch_id {
            match self.reserve_batch(&key, batch_id, stamp.received_at, holding.as_mut()).await? {
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
        step.enter(Timed::Check);
        let id = batch.batch_id.as_deref();
        // What only this needs ends with it: a request's state is as large as the largest of its waits.
        let (mut judged, events) = {
            let context = batch.context.take().unwrap_or_default();
            let checker = Checker::new(checks, &self.metrics.plan, &context);
            let (server, site_name) = (self.names.server(), self.names.site(&key));
            let agent = agent.as_deref();
            let seen = Seen { stamp: Cow::Borrowed(&stamp), agent, pages, server, site: site_name };
            let shared = Shared::new(&key, id, batch.sent_at, context, admitted.priority, seen)
                .map_err(|error| defect(&error))?
                .believing(self.sites.takes_claimed_address(&key).then_some(&self.stamper))
                .routed(&self.routes);
            let came = Came { shape, segment_context: decoded.segment_context };
            let mut judge = Judge::new(came, checker, shared, before, self.keeps_letters, live);
            judge.check(&batch.events, decoded.read, &decoded.beside)?;
            let claimed = Claimed::named(judge.claimed_agents()).read(&self.agents, hides, tags_bots).await;
            judge.check_claimed(&claimed)?;
            step.enter(Timed::ReserveEvents);
            let claim = self.event_ids.claim(&key, judge.ids());
            let event_ids =
                self.reserve_events(claim, judge.ids(), stamp.received_at, holding.as_mut()).await?;
            step.enter(Timed::Encode);
            (judge.encode(&event_ids.copies, &claimed)?, event_ids.reservation)
        };
        judged.unknown_fields += decoded.unknown_fields;
        let (asked, sent_at) = (batch.unconfirmed, batch.sent_at);
        if judged.dropped > 0 {
            self.metrics.protect.count_dropped_of(&judged.entries);
        }
        // A copy says it again.
        let given_up = if judged.duplicate == 0 { batch.dropped } else { None };
        step.enter(Timed::Order);
        self.receipts.follow(&key, id, &asked, sent_at, stamp.received_at).await;
        // From here on delivery counts what its records take.
        drop(body);
        drop(memory);
        let ours = Ours { batch: reservation, events, shared: holding };
        let mut answer = self.deliver(judged, ours, admitted.wants_offsets, live, &mut step).await?;
        self.metrics.count_dropped_by_sender(given_up.unwrap_or_default());
        answer.receipts = self.ask(&key, &asked, sent_at, stamp.received_at).await;
        Ok(answer)
    }
}
