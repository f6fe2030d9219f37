//! The state machine as the page sees it: takes events, clock readings, answers and life-cycle changes, and says what to
//! do. What an event says and who said it is decided here; when it travels, in the outbox.

use super::batch::{Entry, Scope};
use super::consent::{Consent, Consents};
use super::identity::{Identity, new_id};
use super::outbox::Outbox;
use super::sampling;
use super::text::{self, Members};
use super::{Answer, Command, Done, Now, Priority, Settings, What};
use footfall_event_model::limits::EVENT_BYTES;
use footfall_event_model::text::{joined, push_number};
use footfall_event_model::{EventType, Own, Rule, Violation, wire};

/// Braces and names that an event may get besides: `"context":{},"possible_duplicate":true`.
const OVERHEAD_BYTES: usize = 41;

/// What somebody did, as the page tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// What kind of event it is.
    pub kind: EventType,
    /// Sent at once, dropped last.
    pub key_event: bool,
    /// Its category of consent; 0 for all that the site has not put into another.
    pub category: usize,
    /// The event's name; of `identify` and `alias` the user's id, of `group` the group's.
    pub name: &'a str,
    /// Properties or traits as a JSON object, or nothing; of `alias` the id before, or nothing for the present one.
    pub text: &'a str,
    /// The share of sessions that tell it, a decimal such as `0.25`; nothing for all.
    pub rate: &'a str,
}

/// One tracker: one write key on one page.
#[derive(Debug)]
pub struct Tracker {
    identity: Identity,
    scope: Scope,
    outbox: Outbox,
    seq: u64,
    told_seq: u64,
    told_dropped: u64,
}

impl Tracker {
    /// A tracker with a seed for its ids and waits.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let mut identity = Identity::default();
        identity.private = settings.private;
        Self {
            identity,
            scope: Scope::default(),
            outbox: Outbox::new(settings, seed),
            seq: 0,
            told_seq: 0,
            told_dropped: 0,
        }
    }

    /// Sets the part of the context that is the device's, as members of a JSON object: that of all that is sent from now
    /// on.
    pub fn set_device(&mut self, device: String) {
        self.outbox.device = device;
    }

    /// Takes an event that happened at `at_ms`. Its id and `seq` are given here. An `identify` that is no news is no
    /// event; what the visitor denied, or what is not in the sample, is none either.
    ///
    /// # Errors
    /// Every rule that it breaks; it is not queued then.
    pub fn record(&mut self, said: Said<'_>, at_ms: u64, now: Now) -> Result<(), Vec<Violation>> {
        let Said { kind, key_event, category, name, text, rate } = said;
        if self.outbox.consents.of(category) == Consent::Denied {
            return Ok(());
        }
        if self.identity.touch(now, &mut self.outbox.random) {
            self.refresh_who();
        }
        let id = new_id(now, &mut self.outbox.random);
        let text = Some(text).filter(|text| !text.is_empty());
        let name = Some(name);
        let names_somebody = matches!(kind, EventType::Identify | EventType::Group | EventType::Alias);
        if names_somebody && self.identity.private {
            let message = joined(&["no id is told: the visitor asks for privacy"]);
            return Err(vec![Violation::new(joined(&["user_id"]), Rule::UnknownValue, message)]);
        }
        let mut event = Own { kind, event_id: Some(&id), ..Own::default() };
        let mut slot = What::User;
        match kind {
            EventType::Track => event.name = name,
            EventType::Group => {
                (event.group_id, slot) = (name, What::Group);
            }
            EventType::Identify | EventType::Alias => {
                let user_id = self.identity.value(What::User);
                if text.is_none() && name == Some(user_id) && !user_id.is_empty() {
                    return Ok(());
                }
                event.user_id = name;
                if kind == EventType::Alias {
                    let present = if user_id.is_empty() { What::AnonymousId } else { What::User };
                    event.previous_id = text.or(Some(self.identity.value(present)));
                }
            }
            _ => {}
        }
        match kind {
            EventType::Alias => {}
            EventType::Identify | EventType::Group => event.traits = text,
            _ => event.properties = text,
        }
        let found = event.check();
        if !found.is_empty() {
            return Err(found);
        }
        let own = if rate.is_empty() { String::new() } else { joined(&["\"sample_rate\":", rate]) };
        let text = text::of_event(&event, at_ms, self.seq, key_event);
        let bytes = text.len() + own.len() + self.scope.page.len() + OVERHEAD_BYTES;
        if bytes > EVENT_BYTES {
            return Err(vec![wire::too_large(bytes)]);
        }
        if let (true, Some(id)) = (names_somebody, name) {
            self.identity.set(slot, id);
            self.refresh_who();
        }
        // Who asks for privacy has no session: each view of a page is in or not.
        let lot = if self.identity.private { &*self.scope.page } else { self.identity.session_id() };
        if sampling::is_in(lot, rate) {
            self.seq += 1;
            let priority = if key_event { Priority::Key } else { Priority::Normal };
            self.outbox.push(Entry { text, own, priority, category }, &self.scope, now);
        }
        Ok(())
    }

    /// Begins a view of a page, told as a JSON object: later events belong to it.
    /// The `page` event itself is the caller's to record.
    pub fn start_page(&mut self, page: &str, now: Now) {
        let mut object = Members::default();
        object.text("page_view_id", &new_id(now, &mut self.outbox.random));
        object.raw("page", page);
        self.scope.page = object.0;
        self.scope.page_version += 1;
    }

    /// Sets the user without an event, as the page that was served knows them.
    pub fn set_user(&mut self, user_id: &str) {
        self.identity.set(What::User, user_id);
        self.refresh_who();
    }

    /// The campaign that led to this page, as a text that is the same for the same one: another than the session's
    /// begins a session.
    pub fn set_campaign(&mut self, campaign: &str) {
        self.identity.set_campaign(campaign);
    }

    /// Takes over the value of a slot from an earlier page or another tab; never called in anonymous mode.
    pub fn recall(&mut self, slot: What, text: &str) {
        let mut rest = text;
        match slot {
            What::Seq => self.seq = text::number(&mut rest),
            What::Dropped => self.outbox.unreported = text::number(&mut rest),
            _ => {
                self.identity.recall(slot, text);
                self.refresh_who();
            }
        }
    }

    /// Sets what the visitor agreed to: a byte for each category (`0` denied, `1` pending, `2` granted), and the same
    /// for the server as a JSON object.
    pub fn set_consent(&mut self, said: &str, json: &str, now: Now) {
        let before = self.outbox.consents.of(0);
        self.outbox.set_consents(Consents::new(said, json));
        match self.outbox.consents.of(0) {
            Consent::Denied => {
                self.reset();
                self.identity.news = 0;
            }
            Consent::Granted if before != Consent::Granted => self.identity.news = !0,
            _ => {}
        }
        self.outbox.wake(now);
    }

    /// Forgets who it was: from here on it is somebody else. What was told before stays theirs.
    pub fn reset(&mut self) {
        self.identity.reset();
        self.refresh_who();
    }

    /// Takes over a batch that a page left which is gone: its id and the lines of [`Command::Keep`].
    pub fn adopt(&mut self, text: &str, now: Now) {
        self.outbox.adopt(text, now);
        self.outbox.wake(now);
    }

    /// Sends all that is queued as soon as it can be sent.
    pub fn flush(&mut self, now: Now) {
        self.outbox.flush(now);
    }

    /// Looks at the clock: sends what is due, gives up what was not answered.
    pub fn wake(&mut self, now: Now) {
        self.outbox.wake(now);
    }

    /// When to call [`Tracker::wake`] at the latest, on the monotonic clock.
    pub fn next_wake(&self) -> Option<u64> {
        self.outbox.next_wake()
    }

    /// Keeps what has changed where it outlives the page; called once for all that happened in a task.
    pub fn keep(&mut self, now: Now) {
        self.outbox.keep(now);
        if self.identity.private || !self.outbox.consents.grants(0) {
            return;
        }
        let news = std::mem::take(&mut self.identity.news);
        for slot in &[What::AnonymousId, What::Session, What::User, What::Group] {
            if news >> *slot as u32 & 1 > 0 {
                self.outbox.tell(*slot, 0, joined(&[self.identity.value(*slot)]));
            }
        }
        let dropped = self.outbox.unreported;
        for (slot, value, told) in
            &mut [(What::Seq, self.seq, &mut self.told_seq), (What::Dropped, dropped, &mut self.told_dropped)]
        {
            if **told != *value {
                **told = *value;
                let mut text = String::new();
                push_number(&mut text, *value);
                self.outbox.tell(*slot, 0, text);
            }
        }
    }

    /// The page is hidden, or being left (`gone`): all that is here goes by beacon, now.
    pub fn leave(&mut self, gone: bool, now: Now) {
        self.outbox.leave(gone, now);
        self.keep(now);
    }

    /// The page is back from being hidden or from the back/forward cache, or its network is.
    pub fn resume(&mut self, now: Now) {
        self.outbox.resume(now);
    }

    /// What became of a command.
    pub fn done(&mut self, command: &Command, done: Done, now: Now) {
        self.outbox.done(command, done, now);
    }

    /// What became of a `fetch`. An attempt that was given up before is no longer awaited, and ignored.
    pub fn answered(&mut self, handle: u64, answer: &Answer, now: Now) {
        self.outbox.answered(handle, answer, now);
    }

    /// The next thing to do, in order.
    pub fn next_command(&mut self) -> Option<Command> {
        let commands = &mut self.outbox.commands;
        (!commands.is_empty()).then(|| commands.remove(0))
    }

    /// Says the sentences of what was refused.
    pub fn explain(&mut self, refused: Vec<Violation>) {
        for violation in &refused {
            self.outbox.tell(What::Refused, 0, joined(&[&violation.message]));
        }
    }

    /// Tells, as numbers with spaces between, how many events are queued (not sent yet, or not answered), unconfirmed
    /// (gone without an answer), sent (taken by the server), refused for good, and dropped at the bound.
    pub fn tell_state(&mut self) {
        self.outbox.tell_state();
    }

    fn refresh_who(&mut self) {
        self.scope.who = self.identity.context();
        self.scope.who_version += 1;
    }
}

#[cfg(test)]
impl Tracker {
    pub(super) fn held_bytes(&self) -> usize {
        self.outbox.held_bytes()
    }

    pub(super) fn counts(&self) -> [u64; 5] {
        self.outbox.counts()
    }
}
