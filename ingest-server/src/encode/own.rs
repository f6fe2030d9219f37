//! What an event says of its surroundings itself: its own context, its page, the visitor for whom a server speaks.
//! Most events say nothing, and have what all of their batch share.

use super::Shared;
use super::context::{kept_context, without_ids};
use crate::decode::Beside;
use crate::stamp::{Agent, PageTexts, Stamp};
use footfall_event_model::{Client, Context, Event, Page, Surroundings, SurroundingsText};
use std::sync::Arc;

/// Pages of one batch that are remembered; those above are taken apart for each event.
const OTHER_PAGES: usize = 16;

/// What an event says of its surroundings itself.
pub(super) struct Own<'e> {
    pub(super) context: Context,
    page: Option<Page>,
    client: Option<Client>,
    /// Who it was sent for, where a server speaks for somebody; `None` within where that could not be read.
    agent: Option<Option<&'e Agent>>,
}

impl Shared<'_> {
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

    /// Where the visitor is for whom a server speaks, as far as it may.
    fn claimed(&self, beside: &Beside) -> Option<Client> {
        let (stamper, address) = (self.claims?, beside.address?);
        let Stamp { received_at, private, client, .. } = &*self.seen.stamp;
        Some(stamper.client(*received_at, Some(address), client.null_origin, *private))
    }

    /// What this event says of its surroundings itself, taken out of it; `None` where it says nothing.
    pub(super) fn own<'e>(
        &self,
        event: &mut Event,
        beside: &Beside,
        agent: Option<&'e Agent>,
    ) -> Option<Own<'e>> {
        let mut over = event.context.take().filter(|over| **over != Context::default());
        let client = self.claimed(beside);
        let agent = beside.user_agent.as_ref().map(|_| agent);
        if over.is_none() && client.is_none() && agent.is_none() {
            return None;
        }
        let page = over.as_mut().and_then(|over| over.page.take());
        let over = over.map(|over| if self.seen.stamp.private { without_ids(*over) } else { *over });
        let context = over.map_or_else(|| self.context.clone(), |over| self.context.overridden_by(&over));
        Some(Own { context, page, client, agent })
    }

    /// The surroundings of an event that says something of them itself.
    pub(super) fn surroundings_of(&self, own: &mut Own<'_>) -> Result<SurroundingsText, serde_json::Error> {
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
            // What sent the request is not what the visitor has.
            user_agent: own.agent.unwrap_or(self.seen.agent).map(|agent| &*agent.text),
            page: page.page.as_deref(),
            referrer: page.referrer.as_deref(),
            campaign: page.campaign.as_deref(),
        }
        .written()
    }
}
