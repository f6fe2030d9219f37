//! The state machine itself: takes events, clock readings, answers and life-cycle changes, and says what to do.
//! What is captured and how a batch travels is left to `browser/`.

use super::batch::Batch;
use super::identity::{Identity, new_id};
use super::outbox::{Outbox, Outgoing, Place};
use super::queue::{OVERRIDE_BYTES, Queue, Queued, Scope};
use super::retry::{Verdict, delay_ms, verdict};
use super::text::{self, Object};
use super::{Command, Now, Outcome, Priority, Settings, Slot, Transport};
use footfall_event_model::limits::{EVENT_BYTES, ID_BYTES};
use footfall_event_model::{Event, EventType, Json, Rule, Violation, check, wire};

/// A batch stays below this, so that it fits as a beacon.
const BATCH_BYTES: usize = 60 * 1024;
/// An answer is awaited this long.
const ANSWER_MS: u64 = 30_000;
/// What somebody did, as the page tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An event of this name.
    Track(String),
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
    device: String,
    key_events: Vec<String>,
    queue: Queue,
    outbox: Outbox,
    commands: Vec<Command>,
    seq: u64,
    next_handle: u32,
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
            scope: Scope { who: "{}".into(), page: "{}".into() },
            device: "{}".to_owned(),
            key_events: Vec::new(),
            queue: Queue::default(),
            outbox: Outbox::default(),
            commands: Vec::new(),
            seq: 0,
            next_handle: 0,
            urgent: false,
            gone: false,
            sent: 0,
            refused: 0,
            dropped: 0,
        }
    }

    /// Sets the part of the context that stays the same while the page lives, as a JSON object.
    pub fn set_device(&mut self, device: String) {
        self.device = device;
    }

    /// Names an event that the site counts on: sent at once, dropped last.
    pub fn add_key_event(&mut self, name: String) {
        self.key_events.push(name);
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
            Said::Track(name) => {
                event.key_event = self.key_events.contains(&name).then_some(true);
                event.name = Some(name);
                event.properties = json;
            }
            Said::Page => {
                event.kind = EventType::Page;
                event.properties = json;
            }
            Said::Identify(id) => {
                event.kind = EventType::Identify;
                if json.is_none() && self.identity.user_id.as_ref() == Some(&id) {
                    return Ok(());
                }
                event.user_id = Some(id);
                event.traits = json;
            }
        }
        check(&event)?;
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
        self.urgent |= priority == Priority::Key;
        let queued = Queued { text, scope: self.scope.clone(), priority, since_ms: now.monotonic_ms };
        if self.make_room(&queued) {
            self.queue.push(queued);
        }
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
        let mut object = Object::new();
        object.text("page_view_id", Some(&new_id(now, &mut self.random)));
        object.raw("page", page);
        self.scope.page = object.end().into();
    }

    /// Sets the user without an event, as the page that was served knows them.
    pub fn set_user(&mut self, user_id: String) {
        if !self.settings.private && user_id.len() <= ID_BYTES {
            self.identity.user_id = Some(user_id);
            self.refresh_who();
        }
    }

    /// Takes over what an earlier page left, or another tab has remembered; never called in anonymous mode.
    pub fn remembered(&mut self, slot: Slot, value: &str) {
        if slot == Slot::Seq {
            self.seq = text::number(value).unwrap_or(self.seq);
        } else {
            self.identity.remembered(slot, value);
            self.refresh_who();
        }
    }

    /// Sends all that is queued as soon as it can be sent.
    pub fn flush(&mut self, now: Now) {
        self.urgent = true;
        self.send_what_is_due(now);
    }

    /// Looks at the clock: sends what is due, gives up what was not answered.
    pub fn wake(&mut self, now: Now) {
        while let Some(handle) = self.outbox.overdue(now.monotonic_ms) {
            self.settle(handle, &Outcome::Unreachable, now);
        }
        self.send_what_is_due(now);
    }

    /// When to call [`Tracker::wake`] at the latest, on the monotonic clock.
    pub fn next_wake(&self) -> Option<u64> {
        if self.gone {
            return None;
        }
        let idle = !self.outbox.is_in_flight();
        let retry = self.outbox.first_waiting().map(|(_, from_ms)| from_ms);
        let interval = u64::from(self.settings.flush_interval_ms);
        let due = self.queue.first().map(|first| first.since_ms + interval);
        let next = retry.or(due).filter(|_| idle);
        [next, self.outbox.next_deadline()].into_iter().flatten().min()
    }

    /// The page is hidden, or being left (`gone`): all that is here goes by beacon, now.
    pub fn leave(&mut self, gone: bool, now: Now) {
        self.gone |= gone;
        while let Some((at, _)) = self.outbox.first_waiting() {
            self.send(at, Transport::Beacon, now);
        }
        while self.cut(self.outbox.room(now.monotonic_ms), now) {
            self.send(self.outbox.batches.len() - 1, Transport::Beacon, now);
        }
        self.urgent = false;
    }

    /// The page is back from being hidden or from the back/forward cache.
    pub fn resume(&mut self, now: Now) {
        self.gone = false;
        self.wake(now);
    }

    /// Whether the browser took a beacon; what it refused goes by `fetch` instead.
    pub fn beaconed(&mut self, handle: u32, taken: bool, now: Now) {
        let Some(at) = self.outbox.position(handle) else { return };
        if !taken {
            self.send(at, Transport::Fetch, now);
            return;
        }
        let out = self.outbox.batches.remove(at);
        if let Place::InFlight { bytes, .. } = out.place {
            self.outbox.beacon_taken(bytes, now.monotonic_ms);
        }
        self.sent += out.batch.events.len() as u64;
        self.send_what_is_due(now);
    }

    /// What became of a `fetch`. An attempt that was given up before is no longer awaited, and ignored.
    pub fn answered(&mut self, handle: u32, outcome: &Outcome, now: Now) {
        self.settle(handle, outcome, now);
        self.send_what_is_due(now);
    }

    /// What there is to do now, in order.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// What is known from outside, as a JSON object: the ids, and how many events are `queued` (not sent yet, or not
    /// answered), `sent` (taken by the server, or gone by beacon), `refused` for good, and `dropped` at the bound.
    pub fn state(&self) -> String {
        let mut object = Object::new();
        for (name, id) in
            [("anonymousId", &self.identity.anonymous_id), ("sessionId", &self.identity.session_id)]
        {
            object.text(name, Some(&**id).filter(|id| !id.is_empty()));
        }
        object.text("userId", self.identity.user_id.as_deref());
        object.number("queued", self.queued() as u64);
        for (name, count) in [("sent", self.sent), ("refused", self.refused), ("dropped", self.dropped)] {
            object.number(name, count);
        }
        object.end()
    }

    fn queued(&self) -> usize {
        self.queue.len() + self.outbox.len()
    }

    fn refresh_who(&mut self) {
        self.scope.who = self.identity.context().into();
    }

    /// Makes room for an event at the bound: the oldest ones that are not key events go, then the oldest at all;
    /// a key event never makes room for another. False where the new one is what goes.
    fn make_room(&mut self, event: &Queued) -> bool {
        while self.queued() >= self.settings.queue_events
            || self.queue.bytes() + self.outbox.bytes() + event.text.len() > self.settings.queue_bytes
        {
            self.dropped += 1;
            let made = [Priority::Normal, Priority::Key].into_iter().any(|priority| {
                (priority == Priority::Normal || event.priority == Priority::Key)
                    && (self.outbox.drop_oldest(priority) || self.queue.drop_oldest(priority))
            });
            if !made {
                return false;
            }
        }
        true
    }

    /// One batch at a time while the page lives: that keeps the order, and lets one failure hold back the rest.
    fn send_what_is_due(&mut self, now: Now) {
        if self.gone || self.outbox.is_in_flight() {
            return;
        }
        if let Some((at, from_ms)) = self.outbox.first_waiting() {
            if from_ms <= now.monotonic_ms {
                self.send(at, Transport::Fetch, now);
            }
            return;
        }
        let Some(first) = self.queue.first() else {
            self.urgent = false;
            return;
        };
        let waited = now.monotonic_ms.saturating_sub(first.since_ms);
        let due = self.urgent
            || waited >= u64::from(self.settings.flush_interval_ms)
            || self.queue.len() >= self.settings.flush_count
            || self.queue.bytes() >= BATCH_BYTES / 2;
        if due && self.cut(BATCH_BYTES, now) {
            self.send(self.outbox.batches.len() - 1, Transport::Fetch, now);
        }
    }

    /// Moves the next batch from the queue to the end of the outbox. False where nothing is queued.
    fn cut(&mut self, room: usize, now: Now) -> bool {
        let Some(first) = self.queue.first() else { return false };
        let overhead = Batch::overhead(first, &self.device);
        // Where not even one event has room, the browser is asked all the same: not all of them have the quota.
        let room = if overhead + first.wire_bytes() <= room { room.min(BATCH_BYTES) } else { BATCH_BYTES };
        let events = self.queue.cut(self.settings.flush_count, room.saturating_sub(overhead));
        let batch = Batch { id: new_id(now, &mut self.random), events };
        let place = Place::Waiting { from_ms: now.monotonic_ms };
        self.outbox.batches.push(Outgoing { batch, place, attempts: 0 });
        if !self.settings.private {
            let mut seq = String::new();
            text::push_number(&mut seq, self.seq);
            self.commands.push(Command::Remember { slot: Slot::Seq, value: seq });
        }
        true
    }

    fn send(&mut self, at: usize, transport: Transport, now: Now) {
        let Some(out) = self.outbox.batches.get_mut(at) else { return };
        let body = out.batch.body(&self.device, now);
        let handle = self.next_handle;
        self.next_handle = handle.wrapping_add(1);
        out.place = Place::InFlight { handle, bytes: body.len(), until_ms: now.monotonic_ms + ANSWER_MS };
        self.commands.push(Command::Send { handle, transport, priority: out.batch.priority(), body });
    }

    fn settle(&mut self, handle: u32, outcome: &Outcome, now: Now) {
        let Some(at) = self.outbox.position(handle) else { return };
        let mut out = self.outbox.batches.remove(at);
        let (mut asked_ms, mut again) = (None, &[][..]);
        if let Outcome::Answered { retry_after_ms, retry, .. } = outcome {
            (asked_ms, again) = (*retry_after_ms, retry);
        }
        let count = out.batch.events.len();
        match verdict(outcome) {
            Verdict::Again => {}
            Verdict::TooLarge if count > 1 => {
                let rest = out.batch.events.split_off(count / 2);
                for events in [rest, out.batch.events] {
                    self.put_back(at, events, 0, now.monotonic_ms, now);
                }
                return;
            }
            Verdict::TooLarge | Verdict::Refused => {
                self.refused += count as u64;
                return;
            }
            Verdict::Taken => {
                let mut index = 0..;
                out.batch.events.retain(|_| index.next().is_some_and(|index| again.contains(&index)));
                self.sent += (count - out.batch.events.len()) as u64;
                if out.batch.events.is_empty() {
                    return;
                }
                // Another set of events is another batch.
                out.batch.id = new_id(now, &mut self.random);
            }
        }
        let attempts = out.attempts + 1;
        let from_ms = now.monotonic_ms + delay_ms(attempts, asked_ms, &mut self.random);
        let place = Place::Waiting { from_ms };
        self.outbox.batches.insert(at, Outgoing { batch: out.batch, place, attempts });
    }

    fn put_back(&mut self, at: usize, events: Vec<Queued>, attempts: u32, from_ms: u64, now: Now) {
        let batch = Batch { id: new_id(now, &mut self.random), events };
        self.outbox.batches.insert(at, Outgoing { batch, place: Place::Waiting { from_ms }, attempts });
    }
}

#[cfg(test)]
impl Tracker {
    pub(super) fn awaits(&self, handle: u32) -> bool {
        self.outbox.position(handle).is_some()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.queue.bytes() + self.outbox.bytes()
    }

    pub(super) fn counts(&self) -> [u64; 4] {
        [self.queued() as u64, self.sent, self.refused, self.dropped]
    }
}
