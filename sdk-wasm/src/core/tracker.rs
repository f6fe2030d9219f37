//! The state machine itself: takes events, clock readings, answers and life-cycle changes, and says what to do.
//! What is captured and how a batch travels is left to `browser/`.

use super::batch::{Batch, Scope};
use super::identity::{Identity, new_id};
use super::retry::{Verdict, delay_ms, verdict};
use super::text::{self, Members};
use super::{Answer, Command, Now, Priority, Settings, Topic, Transport};
use footfall_event_model::limits::{EVENT_BYTES, ID_BYTES};
use footfall_event_model::{Event, EventType, Json, Rule, Violation, check_own_fields, wire};

/// An answer is awaited this long.
const ANSWER_MS: u64 = 30_000;
/// Braces, and beside its page what an event of another page than its batch's has more: `"context":{},`.
const OVERRIDE_BYTES: usize = 15;

/// What somebody did, as the page tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An event of this name.
    Track(String),
    /// An event of this name that the site counts on: sent at once, dropped last.
    TrackKey(String),
    /// The page was viewed; see [`Tracker::start_page`].
    Page,
    /// The user was recognised: later events carry the id.
    Identify(String),
}

/// One tracker: one write key on one page.
#[derive(Debug)]
pub struct Tracker {
    settings: Settings,
    random: fastrand::Rng,
    identity: Identity,
    scope: Scope,
    /// In the order of their events. All but the last are closed; that one too once it was sent.
    batches: Vec<Batch>,
    commands: Vec<Command>,
    seq: u64,
    /// Names each attempt to send.
    attempts: u32,
    /// All that is queued goes as soon as it can.
    urgent: bool,
    /// The page is being left: there may be no later.
    gone: bool,
    sent: u64,
    refused: u64,
    dropped: u64,
}

impl Tracker {
    /// A tracker with a seed for its ids and waits.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let identity = Identity { private: settings.private, ..Identity::default() };
        Self {
            settings,
            random: fastrand::Rng::with_seed(seed),
            identity,
            scope: Scope {
                who: String::new(),
                who_version: 0,
                page: String::new(),
                page_version: 0,
                device: String::new(),
            },
            batches: Vec::new(),
            commands: Vec::new(),
            seq: 0,
            attempts: 0,
            urgent: false,
            gone: false,
            sent: 0,
            refused: 0,
            dropped: 0,
        }
    }

    /// Sets the part of the context that stays the same while the page lives, as members of a JSON object.
    pub fn set_device(&mut self, device: String) {
        self.scope.device = device;
    }

    /// Takes an event: what was said, the properties (of a user: traits) as the text of a JSON object, and when it was.
    /// Its id and `seq` are given here. An `identify` that is no news is no event.
    ///
    /// # Errors
    /// Every rule that it breaks; it is not queued then, and nothing changes.
    pub fn record(
        &mut self,
        said: Said,
        json: Option<Json>,
        at_ms: u64,
        now: Now,
    ) -> Result<(), Vec<Violation>> {
        let mut event = Event {
            event_id: Some(new_id(now, &mut self.random)),
            timestamp: Some(at_ms as i64),
            seq: Some(self.seq),
            ..Event::default()
        };
        match said {
            Said::Track(name) => event.name = Some(name),
            Said::TrackKey(name) => {
                event.name = Some(name);
                event.key_event = Some(true);
            }
            Said::Page => event.kind = EventType::Page,
            Said::Identify(id) => {
                event.kind = EventType::Identify;
                if json.is_none() && self.identity.user_id.as_ref() == Some(&id) {
                    return Ok(());
                }
                event.user_id = Some(id);
            }
        }
        *(if event.user_id.is_some() { &mut event.traits } else { &mut event.properties }) = json;
        check_own_fields(&event)?;
        let text = text::of_event(&event);
        let bytes = text.len() + self.scope.page.len() + OVERRIDE_BYTES;
        if bytes > EVENT_BYTES {
            return Err(vec![wire::too_large(bytes)]);
        }
        if let Some(id) = event.user_id {
            if self.settings.private {
                let message = "no user id is kept: the visitor asked for privacy (Global Privacy Control)";
                return Err(vec![Violation::new("user_id", Rule::UnknownValue, message)]);
            }
            self.set_user(id);
        }
        if self.identity.touch(now, &mut self.random, &mut self.commands) {
            self.refresh_who();
        }
        let priority = if event.key_event.is_some() { Priority::Key } else { Priority::Normal };
        self.seq += 1;
        if self.make_room(bytes, priority) {
            let time_ms = now.monotonic_ms + u64::from(self.settings.flush_interval_ms);
            let joined = match self.batches.last_mut() {
                Some(last) => last.join(text, priority, &self.scope, self.settings.flush_count),
                None => Err(text),
            };
            if let Err(text) = joined {
                self.batches.push(Batch::new(text, priority, &self.scope, time_ms));
            }
        }
        self.urgent |= priority == Priority::Key;
        if self.gone {
            self.leave(true, now)
        } else {
            self.send_what_is_due(now)
        }
        Ok(())
    }

    /// Begins a view of a page, told as a JSON object: later events belong to it.
    /// The `page` event itself is the caller's to record.
    pub fn start_page(&mut self, page: &str, now: Now) {
        let mut object = Members::default();
        object.text("page_view_id", Some(&new_id(now, &mut self.random)));
        object.raw("page", page);
        self.scope.page = object.0;
        self.scope.page_version += 1;
    }

    /// Sets the user without an event, as the page that was served knows them.
    pub fn set_user(&mut self, user_id: String) {
        if !self.settings.private && user_id.len() <= ID_BYTES {
            self.identity.user_id = Some(user_id);
            self.refresh_who();
        }
    }

    /// Takes over the anonymous id of an earlier page or another tab; never called in anonymous mode.
    pub fn set_anonymous_id(&mut self, id: String) {
        self.identity.anonymous_id = id;
        self.refresh_who();
    }

    /// Takes over the session of an earlier page or another tab, with its last activity in Unix milliseconds; never
    /// called in anonymous mode.
    pub fn set_session(&mut self, id: String, last_ms: u64) {
        self.identity.set_session(id, last_ms);
        self.refresh_who();
    }

    /// Goes on counting where the last page of this tab left off; never called in anonymous mode.
    pub fn set_seq(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// Sends all that is queued as soon as it can be sent.
    pub fn flush(&mut self, now: Now) {
        self.urgent = true;
        self.send_what_is_due(now);
    }

    /// Looks at the clock: sends what is due, gives up what was not answered.
    pub fn wake(&mut self, now: Now) {
        let overdue = |batch: &Batch| batch.handle > 0 && batch.time_ms <= now.monotonic_ms;
        while let Some(at) = self.batches.iter().position(overdue) {
            self.settle(at, &Answer::default(), now);
        }
        self.send_what_is_due(now);
    }

    /// When to call [`Tracker::wake`] at the latest, on the monotonic clock.
    pub fn next_wake(&self) -> Option<u64> {
        let under_way = self.batches.iter().filter(|batch| batch.handle > 0);
        let next = under_way.map(|batch| batch.time_ms).min();
        next.or(self.batches.first().map(|first| first.time_ms)).filter(|_| !self.gone)
    }

    /// The page is hidden, or being left (`gone`): all that is here goes by beacon, now.
    pub fn leave(&mut self, gone: bool, now: Now) {
        self.gone |= gone;
        self.urgent = false;
        for at in 0..self.batches.len() {
            if self.batches[at].handle == 0 {
                self.send(at, Transport::Beacon, now);
            }
        }
    }

    /// The page is back from being hidden or from the back/forward cache.
    pub fn resume(&mut self, now: Now) {
        self.gone = false;
        self.wake(now);
    }

    /// Whether the browser took a beacon; what it refused goes by `fetch` instead.
    pub fn beaconed(&mut self, handle: u32, taken: bool, now: Now) {
        let Some(at) = self.position(handle) else { return };
        if taken {
            self.sent += self.batches.remove(at).events.len() as u64;
            self.send_what_is_due(now);
        } else {
            self.send(at, Transport::Fetch, now);
        }
    }

    /// What became of a `fetch`. An attempt that was given up before is no longer awaited, and ignored.
    pub fn answered(&mut self, handle: u32, answer: &Answer, now: Now) {
        if let Some(at) = self.position(handle) {
            self.settle(at, answer, now);
            self.send_what_is_due(now);
        }
    }

    /// The next thing to do, in order.
    pub fn next_command(&mut self) -> Option<Command> {
        (!self.commands.is_empty()).then(|| self.commands.remove(0))
    }

    /// Says the sentences of what was refused.
    pub fn explain(&mut self, refused: Vec<Violation>) {
        for violation in refused {
            self.commands.push(Command::Tell { what: Topic::Refused, text: violation.message });
        }
    }

    /// Tells, as members of a JSON object, the user and how many events are `queued` (not sent yet, or not answered), `sent` (taken
    /// by the server, or gone by beacon), `refused` for good, and `dropped` at the bound.
    pub fn tell_state(&mut self) {
        let mut object = Members::default();
        object.text("userId", self.identity.user_id.as_deref());
        for (name, count) in [
            ("queued", self.queued() as u64),
            ("sent", self.sent),
            ("refused", self.refused),
            ("dropped", self.dropped),
        ] {
            object.number(name, count);
        }
        self.commands.push(Command::Tell { what: Topic::State, text: object.0 });
    }

    fn queued(&self) -> usize {
        self.batches.iter().map(|batch| batch.events.len()).sum()
    }

    fn position(&self, handle: u32) -> Option<usize> {
        self.batches.iter().position(|batch| batch.handle == handle)
    }

    fn refresh_who(&mut self) {
        self.scope.who = self.identity.context();
        self.scope.who_version += 1;
    }

    /// Makes room for an event at the bound: the oldest ones that are not key events go, then the oldest at all;
    /// a key event never makes room for another. False where the new one is what goes.
    fn make_room(&mut self, bytes: usize, priority: Priority) -> bool {
        while self.queued() >= self.settings.queue_events
            || self.batches.iter().map(Batch::bytes).sum::<usize>() + bytes > self.settings.queue_bytes
        {
            self.dropped += 1;
            let oldest = |of| self.batches.iter().position(|batch| batch.handle == 0 && batch.priority == of);
            let key = Some(Priority::Key).filter(|key| *key == priority);
            let Some(at) = oldest(Priority::Normal).or_else(|| oldest(key?)) else { return false };
            self.batches[at].events.remove(0);
            if self.batches[at].events.is_empty() {
                self.batches.remove(at);
            }
        }
        true
    }

    /// One batch at a time while the page lives: that keeps the order, and lets one failure hold back the rest.
    fn send_what_is_due(&mut self, now: Now) {
        if self.gone || self.batches.iter().any(|batch| batch.handle > 0) {
            return;
        }
        let Some(first) = self.batches.first() else {
            self.urgent = false;
            return;
        };
        let is_closed = self.batches.len() > 1 || first.events.len() >= self.settings.flush_count;
        let is_new = first.id.is_empty();
        if first.time_ms <= now.monotonic_ms || is_new && (is_closed || self.urgent) {
            self.send(0, Transport::Fetch, now);
        }
    }

    fn send(&mut self, at: usize, transport: Transport, now: Now) {
        let batch = &mut self.batches[at];
        if batch.id.is_empty() {
            batch.id = new_id(now, &mut self.random);
            if !self.settings.private {
                let mut text = String::new();
                text::push_number(&mut text, self.seq);
                self.commands.push(Command::Tell { what: Topic::Seq, text });
            }
        }
        self.attempts += 1;
        batch.handle = self.attempts;
        batch.time_ms = now.monotonic_ms + ANSWER_MS;
        let (handle, priority, body) = (batch.handle, batch.priority, batch.body(now));
        self.commands.push(Command::Send { handle, transport, priority, body });
    }

    fn settle(&mut self, at: usize, answer: &Answer, now: Now) {
        let batch = &mut self.batches[at];
        let count = batch.events.len();
        batch.handle = 0;
        batch.time_ms = now.monotonic_ms;
        match verdict(answer.status) {
            Verdict::TooLarge if count > 1 => {
                let half = batch.split_off_half();
                // Another set of events is another batch, here and below.
                batch.id.clear();
                self.batches.insert(at + 1, half);
                return;
            }
            Verdict::TooLarge | Verdict::Refused => {
                self.refused += count as u64;
                batch.events.clear();
            }
            Verdict::Taken => {
                for index in (0..count).rev() {
                    if !answer.retry.contains(&index) {
                        batch.events.remove(index);
                    }
                }
                self.sent += (count - batch.events.len()) as u64;
                batch.id = new_id(now, &mut self.random);
            }
            Verdict::Again => {}
        }
        batch.attempts += 1;
        batch.time_ms += delay_ms(batch.attempts, answer.retry_after_ms, &mut self.random);
        if batch.events.is_empty() {
            self.batches.remove(at);
        }
    }
}

#[cfg(test)]
impl Tracker {
    pub(super) fn awaits(&self, handle: u32) -> bool {
        self.position(handle).is_some()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.batches.iter().map(Batch::bytes).sum()
    }

    pub(super) fn counts(&self) -> [u64; 4] {
        [self.queued() as u64, self.sent, self.refused, self.dropped]
    }
}
