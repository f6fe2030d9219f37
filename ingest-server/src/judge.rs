//! The steps "check" and "encode", event by event: what goes to delivery, and what is answered without it.
//! A broken event harms no other, and what an earlier copy of the batch stored is not stored again.

use crate::check::{AnonymousPolicy, Checker, Fate, Step};
use crate::decode::Shape;
use crate::encode::{EncodeError, Shared, mask};
use crate::receipts::EventSet;
use crate::refusal::Refused;
use crate::results::{dropped, duplicate, invalid};
use footfall_delivery::Record;
use footfall_event_model::wire::EventRefused;
use footfall_event_model::{Event, EventResult};
use serde_json::value::RawValue;

/// What became of the events of one batch before delivery.
#[derive(Default)]
pub(crate) struct Judged {
    /// The records to deliver, in the order of the batch.
    pub(crate) records: Vec<Record>,
    /// For each record: the event's place in the batch, its id, and the browser.
    pub(crate) sources: Vec<Source>,
    /// The dead letters of what was refused.
    pub(crate) letters: Vec<Record>,
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
    pub(crate) anonymous_id: Option<String>,
}

/// The events of a batch that are stored already.
#[derive(Clone, Copy)]
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

/// Reads, checks and encodes the events of a batch, each on its own; of those that are refused it makes dead letters,
/// where these are kept and no copy of the batch has made them.
///
/// # Errors
/// [`Refused::Internal`] where a checked event cannot be encoded.
pub(crate) fn judge(
    shape: Shape,
    events: &[&RawValue],
    checker: Checker<'_>,
    shared: &Shared<'_>,
    before: Before,
    keeps_letters: bool,
) -> Result<Judged, Refused> {
    let keeps_letters = keeps_letters && before.nothing();
    let mut judge =
        Judge { shape, checker, shared, nameless: None, keeps_letters, judged: Judged::default() };
    if let Before::Some(_) = before {
        judge.judged.records.reserve_exact(events.len());
        judge.judged.sources.reserve_exact(events.len());
    }
    for (index, raw) in (0u32..).zip(events) {
        judge.event(index, raw, before).map_err(|error| defect(&error))?;
    }
    Ok(judge.judged)
}

struct Judge<'a> {
    shape: Shape,
    checker: Checker<'a>,
    shared: &'a Shared<'a>,
    /// The same for events that are kept without what would tell whose they were, made with the first of them.
    nameless: Option<Shared<'a>>,
    keeps_letters: bool,
    judged: Judged,
}

impl Judge<'_> {
    fn event(&mut self, index: u32, raw: &RawValue, before: Before) -> Result<(), EncodeError> {
        let decoded = match self.shape.event(raw) {
            Ok(decoded) => decoded,
            Err(refused) => return self.refuse(index, raw, Step::Check, refused),
        };
        let mut event = decoded.event;
        if before.contains(index) {
            self.judged.duplicate += 1;
            self.judged.entries.push(duplicate(index, event.event_id));
            return Ok(());
        }
        self.judged.unknown_fields += decoded.unknown_fields;
        match self.checker.check(&mut event) {
            Fate::Kept => self.keep(index, event, false)?,
            Fate::Nameless => self.keep(index, event, true)?,
            Fate::Dropped(code, reason) => {
                self.judged.dropped += 1;
                self.judged.entries.push(dropped(index, event.event_id, code, reason));
            }
            Fate::Invalid(step, violations) => {
                let refused = EventRefused { event_id: event.event_id, violations };
                self.refuse(index, raw, step, refused)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, index: u32, event: Event, nameless: bool) -> Result<(), EncodeError> {
        let encoded = if nameless { self.nameless().encode(event)? } else { self.shared.encode(event)? };
        self.judged.records.push(encoded.record);
        let (event_id, anonymous_id) = (encoded.event_id, encoded.anonymous_id);
        self.judged.sources.push(Source { index, event_id, anonymous_id });
        Ok(())
    }

    fn refuse(
        &mut self,
        index: u32,
        raw: &RawValue,
        step: Step,
        refused: EventRefused,
    ) -> Result<(), EncodeError> {
        if self.keeps_letters {
            let letter = self.letter(raw, step, &refused)?;
            self.judged.letters.extend(letter);
        }
        self.judged.invalid += 1;
        self.judged.entries.push(invalid(index, refused));
        Ok(())
    }

    /// The letter of a refused event, where the site's policies let one be kept.
    fn letter(
        &mut self,
        raw: &RawValue,
        step: Step,
        refused: &EventRefused,
    ) -> Result<Option<Record>, EncodeError> {
        let Some(mut masked) = mask(raw, self.shared.is_private()) else { return Ok(None) };
        let mut shared = self.shared;
        if self.checker.names_nobody(masked.user_id.as_deref()) {
            match self.checker.anonymous() {
                AnonymousPolicy::Accept => {}
                AnonymousPolicy::Drop => return Ok(None),
                AnonymousPolicy::Anonymise => {
                    let Some(hidden) = mask(raw, true) else { return Ok(None) };
                    masked = hidden;
                    shared = self.nameless();
                }
            }
            return shared.dead_letter(&masked, step.as_str(), refused, false).map(Some);
        }
        let signed = self.checker.is_signed(masked.user_id.as_deref(), masked.signature.as_deref());
        shared.dead_letter(&masked, step.as_str(), refused, signed).map(Some)
    }

    fn nameless(&mut self) -> Result<&Shared<'a>, EncodeError> {
        if self.nameless.is_none() {
            self.nameless = Some(self.shared.nameless()?);
        }
        Ok(self.nameless.as_ref().unwrap_or(&self.shared))
    }
}

/// Nothing a sender does leads here; the operator finds the cause in the log.
pub(crate) fn defect(error: &EncodeError) -> Refused {
    tracing::error!(%error, "a checked event could not be encoded");
    Refused::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{PlanCounts, SiteChecks};
    use crate::stamp::Stamp;
    use footfall_delivery::Priority;
    use footfall_event_model::{Client, Context, EventStatus};

    #[test]
    fn only_what_no_copy_stored_is_delivered_and_a_broken_event_stays_broken() {
        let texts =
            [r#"{"event":"a","event_id":"e0"}"#, r#"{"event":"B"}"#, r#"{"event":"c"}"#, r#"{"event":"d"}"#];
        let events: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let stamp = Stamp { received_at: 7, client: Client::default(), private: false };
        let pages = PageRules::new(&SiteSettings::default(), &PageSettings::default());
        let seen = Seen { stamp: &stamp, agent: None, pages: &pages };
        let shared = Shared::new("pk", Some("b"), None, Context::default(), Priority::Normal, seen).unwrap();
        let mut stored = EventSet::default();
        stored.insert(0);
        stored.insert(1);
        stored.insert(3);
        for (before, delivered, duplicate) in [
            (Before::Some(EventSet::default()), vec![0, 2, 3], 0),
            (Before::Some(stored), vec![2], 2),
            (Before::All, vec![], 3),
        ] {
            let (site, counts) = (SiteChecks::default(), PlanCounts::default());
            let checker = Checker::new(&site, &counts, &Context::default());
            let judged = judge(Shape::Events, &events, checker, &shared, before, true).unwrap();
            let indexes: Vec<_> = judged.sources.iter().map(|source| source.index).collect();
            assert_eq!((indexes, judged.duplicate, judged.invalid), (delivered, duplicate, 1));
            assert_eq!(judged.records.len() + judged.entries.len(), 4);
            assert_eq!(judged.letters.len(), usize::from(duplicate == 0), "a copy makes no second letter");
            if duplicate > 0 {
                let first = &judged.entries[0];
                assert_eq!((first.status, first.event_id.as_deref()), (EventStatus::Duplicate, Some("e0")));
            }
        }
    }
}
