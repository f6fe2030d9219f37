//! What is kept and shown of an event that is not delivered: its entry in the answer, its dead letter, the live view.
//! What may be told of it is decided once, by the visitor's wish and the site's policies.

use super::Judge;
use crate::check::{AnonymousPolicy, Step};
use crate::encode::{EncodeError, Masked, Shared, mask};
use crate::live::Visible;
use crate::results::{dropped, invalid};
use footfall_delivery::Record;
use footfall_event_model::wire::EventRefused;
use serde_json::value::RawValue;

/// What may be told of a refused event.
struct Told {
    masked: Masked,
    /// Whether it names no user, neither itself nor in its batch.
    nobody: bool,
    /// Whether the site keeps it without what would tell whose it was.
    nameless: bool,
    /// Its browser, where that may be told.
    anonymous_id: Option<String>,
}

impl<'a> Judge<'a> {
    /// Refuses an event that broke a rule.
    pub(super) fn refuse(
        &mut self,
        index: u32,
        raw: &RawValue,
        step: Step,
        refused: EventRefused,
    ) -> Result<(), EncodeError> {
        let place = self.live.place();
        let told = if self.keeps_letters || place.is_some() { self.told(raw) } else { None };
        if let (true, Some(told)) = (self.keeps_letters, &told) {
            let letter = self.letter(told, step, &refused)?;
            self.judged.letters.push(letter);
        }
        let entry = invalid(index, refused);
        if let Some(place) = place {
            let visible = told.as_ref().map_or_else(Visible::default, |told| Visible {
                anonymous_id: told.anonymous_id.as_deref(),
                text: Some(&told.masked.text),
            });
            self.judged.shown.extend(self.live.refused(place, step.as_str(), &entry, visible));
        }
        self.judged.invalid += 1;
        self.judged.entries.push(entry);
        Ok(())
    }

    /// Drops an event by a policy of the site, which lets nothing of it be kept.
    pub(super) fn drop_event(&mut self, index: u32, event_id: Option<String>, code: &str, reason: &str) {
        let entry = dropped(index, event_id, code, reason);
        self.judged.shown.extend(self.live.unseen("policy", std::slice::from_ref(&entry)));
        self.judged.dropped += 1;
        self.judged.entries.push(entry);
    }

    /// What may be told of a refused event; `None` where that is nothing.
    fn told(&mut self, raw: &RawValue) -> Option<Told> {
        let (shape, private) = (self.came.shape, self.shared.is_private());
        let mut masked = mask(shape, raw, private)?;
        let nobody = self.checker.names_nobody(masked.user_id.as_deref());
        let nameless = match self.checker.anonymous() {
            AnonymousPolicy::Drop if nobody => return None,
            AnonymousPolicy::Anonymise if nobody => {
                masked = mask(shape, raw, true)?;
                true
            }
            _ => false,
        };
        let anonymous_id = if private || nameless {
            None
        } else {
            masked.anonymous_id.take().or_else(|| self.shared.anonymous_id().map(str::to_owned))
        };
        Some(Told { masked, nobody, nameless, anonymous_id })
    }

    fn letter(&mut self, told: &Told, step: Step, refused: &EventRefused) -> Result<Record, EncodeError> {
        let Told { masked, nobody, nameless, .. } = told;
        if *nameless {
            let came = self.came;
            return self.nameless()?.dead_letter(came, masked, step.as_str(), refused, false);
        }
        let signed =
            !nobody && self.checker.is_signed(masked.user_id.as_deref(), masked.signature.as_deref());
        self.shared.dead_letter(self.came, masked, step.as_str(), refused, signed)
    }

    /// What the events share that are kept as if their visitor had asked for privacy.
    pub(super) fn nameless(&mut self) -> Result<&Shared<'a>, EncodeError> {
        if self.nameless.is_none() {
            self.nameless = Some(self.shared.nameless()?);
        }
        Ok(self.nameless.as_ref().unwrap_or(&self.shared))
    }
}
