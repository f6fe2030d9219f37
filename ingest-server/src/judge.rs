//! The steps "check" and "encode", event by event: what goes to delivery, and what is answered without it.
//! A broken event harms no other, and what was stored before is not stored again.

mod claimed;
mod refused;

use crate::check::{Checker, Fate, Step};
use crate::decode::Beside;
use crate::encode::{Came, EncodeError, Encoded, Shared, Texts};
use crate::live::{LiveEvent, Site};
use crate::receipts::EventSet;
use crate::refusal::Refused;
use crate::results::duplicate;
use crate::stamp::Claimed;
use claimed::Waiting;
use footfall_delivery::Record;
use footfall_event_model::wire::EventRefused;
use footfall_event_model::{Event, EventResult};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What became of the events of one batch before delivery.
#[derive(Default)]
pub(crate) struct Judged {
    /// The records to deliver, in the order of the batch.
    pub(crate) records: Vec<Record>,
    /// For each record: the event's place in the batch, its id, and the browser.
    pub(crate) sources: Vec<Source>,
    /// The dead letters of what was refused.
    pub(crate) letters: Vec<Record>,
    /// What the live view shows of what was refused and dropped.
    pub(crate) shown: Vec<LiveEvent>,
    /// One entry for each event that is not delivered.
    pub(crate) entries: Vec<EventResult>,
    pub(crate) duplicate: u32,
    pub(crate) invalid: u32,
    pub(crate) dropped: u32,
    pub(crate) unknown_fields: u32,
}

/// Where a record came from.
pub(crate) struct Source {
    pub(crate) index: u32,
    pub(crate) event_id: String,
    pub(crate) anonymous_id: Option<Arc<str>>,
    /// Of the record's JSON, how many bytes are the event's own.
    pub(crate) own_bytes: usize,
}

/// The events of a batch that are stored already.
#[derive(Clone)]
pub(crate) enum Before {
    /// All of them.
    All,
    /// These.
    Some(EventSet),
}

impl Before {
    fn contains(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(set) => set.contains(index),
        }
    }

    /// Whether nothing of the batch was stored before, its dead letters neither.
    fn nothing(&self) -> bool {
        matches!(self, Self::Some(set) if set.is_empty())
    }
}

/// An event that passed all checks, by its place in the batch.
struct Kept {
    index: u32,
    beside: Beside,
    nameless: bool,
}

/// The judge of one batch.
pub(crate) struct Judge<'a> {
    came: Came<'a>,
    checker: Checker<'a>,
    shared: Shared<'a>,
    /// The same for events that are kept without what would tell whose they were, made with the first of them.
    nameless: Option<Shared<'a>>,
    before: Before,
    keeps_letters: bool,
    live: &'a Site,
    /// The events that were read, each at its place in the batch: they stay there, since they are large.
    events: Vec<Option<Event>>,
    kept: Vec<Kept>,
    /// Those whose checks wait until it is known whether a bot is behind them.
    waiting: Vec<Waiting<'a>>,
    judged: Judged,
}

impl<'a> Judge<'a> {
    /// A judge of a batch of which `before` is stored. Dead letters are made where they are kept, and where no copy of
    /// the batch has made them.
    pub(crate) fn new(
        came: Came<'a>,
        checker: Checker<'a>,
        shared: Shared<'a>,
        before: Before,
        keeps_letters: bool,
        live: &'a Site,
    ) -> Self {
        let keeps_letters = keeps_letters && before.nothing();
        let (events, kept, waiting, judged) = (Vec::new(), Vec::new(), Vec::new(), Judged::default());
        Self {
            came,
            checker,
            shared,
            nameless: None,
            before,
            keeps_letters,
            live,
            events,
            kept,
            waiting,
            judged,
        }
    }

    /// Reads and checks the events, each on its own; those in `read` are through with that. `of_all` came beside all of them.
    ///
    /// # Errors
    /// [`Refused::Internal`] where a dead letter cannot be written.
    pub(crate) fn check(
        &mut self,
        events: &[&'a RawValue],
        read: Vec<Option<Event>>,
        of_all: &Beside,
    ) -> Result<(), Refused> {
        if let Before::Some(_) = self.before {
            self.kept.reserve_exact(events.len());
        }
        self.events = read;
        self.events.resize_with(events.len(), || None);
        for (index, raw) in (0u32..).zip(events) {
            self.event(index, raw, of_all).map_err(|error| defect(&error))?;
        }
        Ok(())
    }

    /// The ids of the events that passed, each with its place in the batch; those that have one.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (u32, &str)> {
        let events = &self.events;
        self.kept.iter().filter_map(|kept| {
            let event = events.get(kept.index as usize)?.as_ref()?;
            Some((kept.index, event.event_id.as_deref()?))
        })
    }

    /// Makes the records of the events that passed; those at the places `copies` were stored before.
    ///
    /// # Errors
    /// [`Refused::Internal`] where an event cannot be encoded.
    pub(crate) fn encode(mut self, copies: &[u32], agents: &Claimed) -> Result<Judged, Refused> {
        let (kept, mut events) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.events));
        let mut records = Vec::with_capacity(kept.len());
        self.judged.sources.reserve_exact(kept.len());
        let mut copies = copies.iter().peekable();
        let mut texts = Texts::new(kept.len());
        for Kept { index, beside, nameless } in kept {
            let event = read_at(&mut events, index).map_err(|error| defect(&error))?;
            if copies.next_if_eq(&&index).is_some() {
                self.duplicate(index, event.event_id.take());
                continue;
            }
            let agent = beside.user_agent.as_deref().and_then(|text| agents.get(text));
            let shared = if nameless { self.nameless() } else { Ok(&self.shared) };
            let encoded =
                shared.and_then(|shared| shared.encode(event, &beside, agent, &mut texts, &mut records));
            let Encoded { event_id, anonymous_id, own_bytes } = encoded.map_err(|error| defect(&error))?;
            self.judged.sources.push(Source { index, event_id, anonymous_id, own_bytes });
        }
        Ok(Judged { records, ..self.judged })
    }

    fn event(&mut self, index: u32, raw: &'a RawValue, of_all: &Beside) -> Result<(), EncodeError> {
        let place = self.events.get_mut(index as usize).ok_or(EncodeError::NotRead(index))?;
        let (mut unknown_fields, mut beside) = (0, Beside::default());
        let event = match place {
            Some(event) => event,
            None => match self.came.shape.event(raw) {
                Ok(read) => {
                    (unknown_fields, beside) = (read.unknown_fields, read.beside);
                    place.insert(read.event)
                }
                Err(refused) => return self.refuse(index, raw, Step::Check, refused),
            },
        };
        if self.before.contains(index) {
            let event_id = event.event_id.take();
            self.duplicate(index, event_id);
            return Ok(());
        }
        self.judged.unknown_fields += unknown_fields;
        if let Some(code) = self.shared.dropped_for() {
            let reason = "the request comes from a bot, and the site takes no events of bots";
            let event_id = event.event_id.take();
            self.drop_event(index, event_id, code, reason);
            return Ok(());
        }
        let beside = beside.or(of_all);
        if beside.user_agent.is_some() && self.shared.drops_bots() {
            self.waiting.push(Waiting { index, raw, beside });
            return Ok(());
        }
        self.decide(index, raw, beside)
    }

    /// Checks an event that was read.
    fn decide(&mut self, index: u32, raw: &RawValue, beside: Beside) -> Result<(), EncodeError> {
        let event = read_at(&mut self.events, index)?;
        match self.checker.check(event) {
            Fate::Kept => self.kept.push(Kept { index, beside, nameless: false }),
            Fate::Nameless => self.kept.push(Kept { index, beside, nameless: true }),
            Fate::Dropped(code, reason) => {
                let event_id = event.event_id.take();
                self.drop_event(index, event_id, code, reason);
            }
            Fate::Invalid(step, violations) => {
                let refused = EventRefused { event_id: event.event_id.take(), violations };
                self.refuse(index, raw, step, refused)?;
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, index: u32, event_id: Option<String>) {
        self.judged.duplicate += 1;
        self.judged.entries.push(duplicate(index, event_id));
    }
}

/// The event at that place. Where none were there, the request would be refused: no event is left out in silence.
fn read_at(events: &mut [Option<Event>], index: u32) -> Result<&mut Event, EncodeError> {
    events.get_mut(index as usize).and_then(Option::as_mut).ok_or(EncodeError::NotRead(index))
}

/// Nothing a sender does leads here; the operator finds the cause in the log.
pub(crate) fn defect(error: &dyn std::error::Error) -> Refused {
    tracing::error!(%error, "a checked event could not be encoded");
    Refused::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{PlanCounts, SiteChecks};
    use crate::decode::Shape;
    use crate::settings::{PageSettings, SiteSettings};
    use crate::stamp::{PageRules, Seen, Stamp};
    use footfall_delivery::Priority;
    use footfall_event_model::{Client, Context, EventStatus};
    use std::borrow::Cow;

    #[test]
    fn only_what_no_copy_stored_is_delivered_and_a_broken_event_stays_broken() {
        let texts =
            [r#"{"event":"a","event_id":"e0"}"#, r#"{"event":"B"}"#, r#"{"event":"c"}"#, r#"{"event":"d"}"#];
        let events: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let stamp = Stamp {
            received_at: 7,
            client: Client::default(),
            user_agent: None,
            traceparent: None,
            private: false,
        };
        let pages = PageRules::new(&SiteSettings::default(), &PageSettings::default());
        let mut stored = EventSet::default();
        stored.insert(0);
        stored.insert(1);
        stored.insert(3);
        for (before, copies, delivered, duplicate) in [
            (Before::Some(EventSet::default()), &[][..], vec![0, 2, 3], 0),
            (Before::Some(EventSet::default()), &[0, 3], vec![2], 2),
            (Before::Some(stored), &[], vec![2], 2),
            (Before::All, &[], vec![], 3),
        ] {
            let (site, counts) = (SiteChecks::default(), PlanCounts::default());
            let checker = Checker::new(&site, &counts, &Context::default());
            let seen =
                Seen { stamp: Cow::Borrowed(&stamp), agent: None, pages: &pages, server: None, site: None };
            let shared =
                Shared::new("pk", Some("b"), None, Context::default(), Priority::Normal, seen).unwrap();
            let live = Site::new("pk");
            let came = Came { shape: Shape::Events, segment_context: None };
            let mut judge = Judge::new(came, checker, shared, before.clone(), true, &live);
            judge.check(&events, Vec::new(), &Beside::default()).unwrap();
            assert_eq!(judge.ids().count(), usize::from(before.nothing()), "one has an id");
            let judged = judge.encode(copies, &Claimed::default()).unwrap();
            let indexes: Vec<_> = judged.sources.iter().map(|source| source.index).collect();
            assert_eq!((indexes, judged.duplicate, judged.invalid), (delivered, duplicate, 1));
            assert_eq!(judged.records.len() + judged.entries.len(), 4);
            assert_eq!(judged.letters.len(), usize::from(before.nothing()), "a copy makes no second letter");
            if duplicate > 0 {
                let mut told = judged.entries.iter().filter(|told| told.status == EventStatus::Duplicate);
                assert_eq!(told.next().unwrap().event_id.as_deref(), Some("e0"));
            }
        }
    }
}
