//! Who the visitor is: an anonymous id for the browser, a session, a user and a group once told. In anonymous mode
//! none of it exists; where the values are kept is the browser's part.

use super::random::Random;
use super::sampling::hash;
use super::text::{Members, number, word};
use super::{Now, What};
use footfall_event_model::limits::ID_BYTES;
use footfall_event_model::text::{joined, push_number};
use footfall_event_model::uuid_v7_of;

/// A session ends after this long without an event, as it does for everybody in this field since Urchin.
const SESSION_IDLE_MS: u64 = 30 * 60 * 1000;
/// A session that never idles ends after this long all the same.
const SESSION_LONGEST_MS: u64 = 24 * 60 * 60 * 1000;
/// Other tabs learn of activity at this grain, so that not every event writes to storage.
const SESSION_GRAIN_MS: u64 = 10_000;

/// The visitor.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) private: bool,
    /// The values of the first four slots, as later pages get them; empty where there is none.
    values: [String; 4],
    /// The last activity on this page.
    last_ms: u64,
    /// The campaign that led to this page, until it is noted; 0 where there is none.
    campaign: u64,
    /// Slots whose values have changed since they were last told, a bit each.
    pub(super) news: u32,
}

impl Identity {
    /// Notes activity: goes on with the session or begins one. True where that changes who the visitor is.
    pub(super) fn touch(&mut self, now: Now, random: &mut Random) -> bool {
        if self.private {
            return false;
        }
        let first = self.value(What::AnonymousId).is_empty();
        if first {
            self.set(What::AnonymousId, &new_id(now, random));
        }
        let mut session = self.value(What::Session);
        let id = joined(&[word(&mut session)]);
        let saved_ms = number(&mut session);
        let mut began_ms = number(&mut session);
        let mut campaign = number(&mut session);
        // A clock that was set back leaves times in the future; a session that far off is no use.
        let begun = now.unix_ms.abs_diff(saved_ms.max(self.last_ms)) >= SESSION_IDLE_MS
            || now.unix_ms.abs_diff(began_ms) >= SESSION_LONGEST_MS
            || self.campaign != 0 && self.campaign != campaign;
        self.last_ms = now.unix_ms;
        if begun || now.unix_ms.abs_diff(saved_ms) >= SESSION_GRAIN_MS {
            let mut text = if begun { new_id(now, random) } else { id };
            if begun {
                (began_ms, campaign) = (now.unix_ms, self.campaign);
            }
            for number in &[now.unix_ms, began_ms, campaign] {
                text.push_str(" ");
                push_number(&mut text, *number);
            }
            self.set(What::Session, &text);
        }
        self.campaign = 0;
        first || begun
    }

    /// The campaign that led to this page, where one did: another one than the session's begins a session.
    pub(super) fn set_campaign(&mut self, campaign: &str) {
        self.campaign = u64::from(hash(campaign)) | 1;
    }

    /// Forgets who it was: from here on it is somebody else.
    pub(super) fn reset(&mut self) {
        for slot in &[What::AnonymousId, What::Session, What::User, What::Group] {
            self.set(*slot, "");
        }
    }

    /// Sets the value of a slot. False where it is not one that is kept.
    pub(super) fn set(&mut self, slot: What, value: &str) -> bool {
        let fits = !self.private && value.len() <= ID_BYTES;
        if fits {
            self.recall(slot, value);
            self.news |= 1 << slot as u32;
        }
        fits
    }

    /// Takes over what an earlier page or another tab left in a slot.
    pub(super) fn recall(&mut self, slot: What, value: &str) {
        if let Some(place) = self.values.get_mut(slot as usize) {
            *place = joined(&[value]);
        }
    }

    /// The value of a slot.
    pub(super) fn value(&self, slot: What) -> &str {
        self.values.get(slot as usize).map_or("", |value| value)
    }

    /// The session's id.
    pub(super) fn session_id(&self) -> &str {
        word(&mut self.value(What::Session))
    }

    /// The visitor's part of a context, as members of a JSON object.
    pub(super) fn context(&self) -> String {
        let mut object = Members::default();
        for (name, value) in &[
            ("anonymous_id", self.value(What::AnonymousId)),
            ("session_id", self.session_id()),
            ("user_id", self.value(What::User)),
            ("group_id", self.value(What::Group)),
        ] {
            if !value.is_empty() {
                object.text(name, value);
            }
        }
        object.0
    }
}

/// A fresh UUID v7.
pub(super) fn new_id(now: Now, random: &mut Random) -> String {
    uuid_v7_of(now.unix_ms, random.next(), random.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const START: u64 = 1_795_458_876_500;

    struct Visitor {
        identity: Identity,
        random: Random,
    }

    impl Visitor {
        fn new() -> Self {
            Self { identity: Identity::default(), random: Random::new(7) }
        }

        /// Is active, that long after the start; tells the session.
        fn touch(&mut self, after_ms: u64) -> String {
            let now = Now { unix_ms: START + after_ms, monotonic_ms: 0 };
            self.identity.touch(now, &mut self.random);
            self.identity.session_id().to_owned()
        }
    }

    #[test]
    fn a_session_ends_after_thirty_idle_minutes_and_not_before() {
        let mut visitor = Visitor::new();
        let first = visitor.touch(0);
        assert_eq!(visitor.touch(29 * MINUTE), first);
        assert_eq!(visitor.touch(58 * MINUTE), first);
        assert_ne!(visitor.touch(88 * MINUTE), first);
    }

    #[test]
    fn a_session_that_never_idles_ends_after_a_day() {
        let mut visitor = Visitor::new();
        let first = visitor.touch(0);
        for minutes in (20..24 * 60).step_by(20) {
            assert_eq!(visitor.touch(minutes * MINUTE), first, "after {minutes} minutes");
        }
        assert_ne!(visitor.touch(24 * 60 * MINUTE), first);
    }

    #[test]
    fn another_campaign_begins_a_session_and_the_same_one_goes_on() {
        let mut visitor = Visitor::new();
        visitor.identity.set_campaign("utm_source=mail");
        let first = visitor.touch(0);
        // The next pages of the same visit have no campaign in their address, or the same one after a reload.
        assert_eq!(visitor.touch(MINUTE), first);
        visitor.identity.set_campaign("utm_source=mail");
        assert_eq!(visitor.touch(2 * MINUTE), first);
        visitor.identity.set_campaign("utm_source=news");
        assert_ne!(visitor.touch(3 * MINUTE), first);
    }

    #[test]
    fn the_next_page_goes_on_with_what_this_one_left() {
        let mut visitor = Visitor::new();
        visitor.identity.set_campaign("utm_source=mail");
        let session = visitor.touch(0);
        assert!(visitor.identity.set(What::User, "ann"));
        let mut next = Visitor::new();
        for slot in [What::AnonymousId, What::Session, What::User, What::Group] {
            next.identity.recall(slot, visitor.identity.value(slot));
        }
        assert_eq!(next.touch(MINUTE), session);
        assert_eq!(next.identity.context(), visitor.identity.context());
        next.identity.set_campaign("utm_source=mail");
        assert_eq!(next.touch(2 * MINUTE), session);
        assert_ne!(next.touch(24 * 60 * MINUTE), session);
    }

    #[test]
    fn what_is_new_is_told_once_and_activity_at_its_grain() {
        let mut visitor = Visitor::new();
        let mut told = vec![];
        for at in [0, 9_999, 10_000, 10_001] {
            visitor.touch(at);
            told.push(std::mem::take(&mut visitor.identity.news));
        }
        assert_eq!(told, [0b11, 0, 0b10, 0]);
    }

    #[test]
    fn a_clock_set_back_begins_a_session_rather_than_keeping_one_for_ever() {
        let mut visitor = Visitor::new();
        let first = visitor.touch(90 * MINUTE);
        assert_ne!(visitor.touch(0), first);
    }

    #[test]
    fn a_reset_is_somebody_else_and_says_so() {
        let mut visitor = Visitor::new();
        let first = visitor.touch(0);
        visitor.identity.set(What::User, "ann");
        visitor.identity.reset();
        assert_ne!(visitor.touch(1), first);
        assert!(!visitor.identity.context().contains("ann"));
        assert_eq!(visitor.identity.news, 0b1111);
    }

    #[test]
    fn anonymous_mode_has_no_ids_and_remembers_nothing() {
        let mut visitor = Visitor::new();
        visitor.identity.private = true;
        visitor.touch(0);
        assert!(!visitor.identity.set(What::User, "ann"));
        assert_eq!(visitor.identity.news, 0);
        assert_eq!(visitor.identity.context(), "");
    }
}
