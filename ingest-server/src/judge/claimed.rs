//! Events that servers send for a visitor, on a site that takes none of bots: their checks wait until it is known who
//! calls itself so. What is dropped of them is dropped before any other rule, as what a bot sends itself is.

use super::{Judge, defect, read_at};
use crate::decode::Beside;
use crate::refusal::Refused;
use crate::stamp::Claimed;
use serde_json::value::RawValue;

/// An event that was read and not checked yet.
pub(super) struct Waiting<'a> {
    pub(super) index: u32,
    pub(super) raw: &'a RawValue,
    pub(super) beside: Beside,
}

impl Judge<'_> {
    /// The browsers that servers speak for, as they say them.
    pub(crate) fn claimed_agents(&self) -> impl Iterator<Item = &str> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.beside);
        let besides = self.kept.iter().map(|kept| &kept.beside).chain(waiting);
        besides.filter_map(|beside| beside.user_agent.as_deref())
    }

    /// Checks the events that waited, but for those of bots, which are dropped.
    ///
    /// # Errors
    /// [`Refused::Internal`] where a dead letter cannot be written.
    pub(crate) fn check_claimed(&mut self, agents: &Claimed) -> Result<(), Refused> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        for Waiting { index, raw, beside } in waiting {
            let agent = beside.user_agent.as_deref().and_then(|text| agents.get(text));
            if agent.is_some_and(|agent| agent.bot) {
                let reason = "the event was sent for a bot, and the site takes no events of bots";
                let event = read_at(&mut self.events, index).map_err(|error| defect(&error))?;
                let event_id = event.event_id.take();
                self.drop_event(index, event_id, "bot", reason);
            } else {
                self.decide(index, raw, beside).map_err(|error| defect(&error))?;
            }
        }
        // Those that say no browser did not wait.
        self.kept.sort_by_key(|kept| kept.index);
        Ok(())
    }
}
