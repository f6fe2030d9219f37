//! Doors through which the fuzz targets (`tests/fuzz`) reach single steps, without sockets, stores and threads.
//! Nothing else uses them, and they are no part of what the crate offers.

use crate::check::{Checker, PlanCounts, SiteChecks};
use crate::decode::{Decoded, Shape};
use crate::encode::{Came, Shared};
use crate::http::proxy_header;
use crate::judge::{Before, Judge, defect};
use crate::receipts::EventSet;
use crate::refusal::Refused;
use crate::stamp::{Agent, Claimed, PageRules, Seen, Stamp};
use axum::http::HeaderMap;
use footfall_delivery::{Priority, Record};
use footfall_event_model::{Client, EventResult};
use std::borrow::Cow;
use std::net::SocketAddr;

/// When all requests come in, in Unix milliseconds.
pub const RECEIVED_AT: i64 = 1_795_458_876_500;

/// What a request meets on its way.
pub struct Site {
    /// What is checked of its events.
    pub checks: SiteChecks,
    /// The rules for its pages.
    pub pages: PageRules,
    /// Whether visitors asked for privacy.
    pub private: bool,
}

/// What became of the events of one batch before delivery.
pub struct Judged {
    /// The records to deliver, each with its event's place in the batch.
    pub records: Vec<(u32, Record)>,
    /// The dead letters of what was refused.
    pub letters: Vec<Record>,
    /// One entry for each event that is not delivered.
    pub entries: Vec<EventResult>,
}

/// Leads a batch from its events to its records as `Edge::take` does; nothing of it was stored before.
///
/// # Errors
/// [`Refused::Internal`], to which nothing that a sender does may lead.
pub fn judge(shape: Shape, decoded: Decoded<'_>, site: &Site) -> Result<Judged, Refused> {
    let Decoded { mut batch, read, beside, segment_context, .. } = decoded;
    let client =
        Client { address: Some("203.0.113.0".to_owned()), address_policy: "truncate", ..Client::default() };
    let stamp =
        Stamp { received_at: RECEIVED_AT, client, user_agent: None, traceparent: None, private: false };
    let stamp = if site.private { stamp.nameless() } else { stamp };
    let context = batch.context.take().unwrap_or_default();
    let counts = PlanCounts::default();
    let checker = Checker::new(&site.checks, &counts, &context);
    let seen = Seen { stamp: Cow::Owned(stamp), agent: None, pages: &site.pages, server: None, site: None };
    let (id, sent_at) = (batch.batch_id.as_deref(), batch.sent_at);
    let shared = Shared::new("pk_fuzz", id, sent_at, context, Priority::Normal, seen)
        .map_err(|error| defect(&error))?;
    let live = crate::live::Site::new("pk_fuzz");
    let mut judge = Judge::new(
        Came { shape, segment_context },
        checker,
        shared,
        Before::Some(EventSet::default()),
        true,
        &live,
    );
    judge.check(&batch.events, read, &beside)?;
    let claimed = Claimed::named(judge.claimed_agents());
    let judged = judge.encode(&[], &claimed)?;
    let places = judged.sources.iter().map(|source| source.index);
    Ok(Judged {
        records: places.zip(judged.records).collect(),
        letters: judged.letters,
        entries: judged.entries,
    })
}

/// What the first bytes of a connection are to the reader of PROXY headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// A header of that length, and the client that it names.
    Whole(Option<SocketAddr>, usize),
    /// The beginning of one.
    Half,
    /// Something else.
    Wrong,
}

/// Takes a PROXY header apart.
pub fn proxy_header(bytes: &[u8]) -> ProxyHeader {
    match proxy_header::parse(bytes) {
        Ok(Some((client, length))) => ProxyHeader::Whole(client, length),
        Ok(None) => ProxyHeader::Half,
        Err(_) => ProxyHeader::Wrong,
    }
}

/// Describes who sent these headers, without the cache and the thread that reads for it. `original` and `bot` say
/// whether the record tells the header itself and bots.
pub fn user_agent(headers: &HeaderMap, original: bool, bot: bool) -> Option<Agent> {
    Agent::read_now(headers, original, bot)
}
