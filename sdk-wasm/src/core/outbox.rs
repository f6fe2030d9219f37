//! The events that have not been confirmed: in which batches, when and how they are sent, what is kept of them in the
//! browser's storage. What an event says, and who said it, is the tracker's part.

use super::batch::{Batch, Entry, Scope};
use super::consent::{Consent, Consents};
use super::identity::new_id;
use super::random::Random;
use super::retry::{CIRCUIT_FAILURES, Verdict, delay_ms, verdict};
use super::text::{Members, line, word};
use super::{Answer, Command, Done, Now, Priority, Settings, What};
use footfall_event_model::limits::UNCONFIRMED_IDS;
use footfall_event_model::text::{joined, push_number};

/// An answer is awaited this long.
const ANSWER_MS: u64 = 30_000;
/// What left without an answer is asked for with the next request; where none comes for so long, it is sent again.
const PATIENCE_MS: u64 = 10_000;
/// Later than any time.
const NEVER: u64 = u64::MAX;
/// A page that has not touched a kept batch for so long after it said it would is gone.
const LEASE_MS: u64 = 10_000;

/// The batches of one tracker.
#[derive(Debug)]
pub(super) struct Outbox {
    settings: Settings,
    pub(super) random: Random,
    pub(super) consents: Consents,
    /// What stays the same while the page lives, as members of a JSON object.
    pub(super) device: String,
    /// In the order of their events. All but the last are closed; that one too once it was sent.
    batches: Vec<Batch>,
    pub(super) commands: Vec<Command>,
    /// Names each attempt to send.
    attempts: u64,
    /// Failures in a row.
    failures: u32,
    /// On the monotonic clock: nothing is sent before.
    pause_until_ms: u64,
    /// That is because there was no answer at all: of a network that is back nobody asked for a pause.
    offline: bool,
    /// All that is queued goes as soon as it can.
    urgent: bool,
    /// Nobody sees the page: it may go at any time.
    hidden: bool,
    /// The page is being left: there may be no later.
    gone: bool,
    sent: u64,
    refused: u64,
    dropped: u64,
    /// Dropped ones that the server has not been told of.
    pub(super) unreported: u64,
}

impl Outbox {
    pub(super) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: Random::new(seed),
            consents: Consents::default(),
            device: String::new(),
            batches: Vec::new(),
            commands: Vec::new(),
            attempts: 0,
            failures: 0,
            pause_until_ms: 0,
            offline: false,
            urgent: false,
            hidden: false,
            gone: false,
            sent: 0,
            refused: 0,
            dropped: 0,
            unreported: 0,
        }
    }

    /// Takes an event, and sends what is due by that.
    pub(super) fn push(&mut self, entry: Entry, scope: &Scope, now: Now) {
        self.urgent |= entry.priority == Priority::Key;
        if self.make_room(entry.bytes(scope), entry.priority) {
            let most = self.settings.flush_count;
            if !self.batches.last().is_some_and(|last| last.takes(&entry, scope, most)) {
                let id = new_id(now, &mut self.random);
                let time_ms = now.monotonic_ms + u64::from(self.settings.flush_interval_ms);
                self.batches.push(Batch::new(id, &entry, scope, time_ms));
            }
            if let Some(last) = self.batches.last_mut() {
                last.add(&entry, scope);
            }
        } else {
            self.lose(entry.text);
        }
        if self.gone {
            self.leave(true, now);
        } else {
            self.send_what_is_due(now);
        }
    }

    /// Takes over a batch that a page left which is gone; it goes first, being the oldest. One for which there is no
    /// room stays where it is kept.
    pub(super) fn adopt(&mut self, text: &str, now: Now) {
        let mut lines = text;
        let id = line(&mut lines);
        let Some(mut batch) = Batch::read(id, lines) else {
            self.tell(What::Forget, 0, joined(&[id]));
            return;
        };
        // Another page may have sent it meanwhile: what was kept counts, and what is newer goes on its own.
        if let Some(known) = self.with_id(id) {
            self.give_up(known, now);
        }
        if !self.has_room(batch.count, batch.events.len()) {
            return;
        }
        batch.time_ms = now.monotonic_ms + PATIENCE_MS;
        let at = self.batches.iter().position(|other| other.id > batch.id).unwrap_or(self.batches.len());
        self.batches.insert(at, batch);
    }

    /// What the visitor agreed to has changed: what is denied is forgotten, what is granted may go.
    pub(super) fn set_consents(&mut self, consents: Consents) {
        self.consents = consents;
        let denied = |batch: &Batch, consents: &Consents| consents.of(batch.category) == Consent::Denied;
        while let Some(at) = self.batches.iter().position(|batch| denied(batch, &self.consents)) {
            self.remove(at, What::Forget);
        }
        if self.consents.of(0) == Consent::Denied {
            self.tell(What::ForgetAll, 0, String::new());
        }
    }

    pub(super) fn flush(&mut self, now: Now) {
        self.urgent = true;
        self.send_what_is_due(now);
    }

    /// Looks at the clock: sends what is due, gives up what was not answered.
    pub(super) fn wake(&mut self, now: Now) {
        let overdue = |batch: &Batch| batch.handle > 0 && batch.time_ms <= now.monotonic_ms;
        while let Some(at) = self.batches.iter().position(overdue) {
            self.settle(at, &Answer::default(), now);
        }
        for batch in &mut self.batches {
            if batch.unconfirmed && batch.time_ms <= now.monotonic_ms {
                (batch.unconfirmed, batch.possible_duplicate) = (false, true);
            }
        }
        self.send_what_is_due(now);
    }

    pub(super) fn next_wake(&self) -> Option<u64> {
        if self.gone {
            return None;
        }
        let mut next = NEVER;
        for batch in &self.batches {
            if batch.handle > 0 || batch.unconfirmed {
                next = next.min(batch.time_ms);
            }
        }
        if !self.is_busy()
            && let Some((_, due_ms)) = self.first_due()
        {
            next = next.min(due_ms);
        }
        Some(next).filter(|next| *next < NEVER)
    }

    fn is_busy(&self) -> bool {
        self.batches.iter().any(|batch| batch.handle > 0)
    }

    /// The page is hidden, or being left: all that is here goes by beacon, now, what is counted on first. The server is
    /// spared while it fails again and again, for what is kept goes with the next page.
    pub(super) fn leave(&mut self, gone: bool, now: Now) {
        self.gone |= gone;
        self.hidden = true;
        self.urgent = false;
        for priority in &[Priority::Key, Priority::Normal] {
            for at in 0..self.batches.len() {
                let batch = &mut self.batches[at];
                // Whoever comes next may take it over at once.
                batch.stale |= batch.kept > 0;
                let batch = &self.batches[at];
                let is_spared = self.failures >= CIRCUIT_FAILURES && batch.kept > 0;
                if batch.priority == *priority && self.may_leave(batch) && !is_spared {
                    self.send(at, true, now);
                }
            }
        }
        self.keep(now);
    }

    /// The page is back, or its network. What the server asked to wait for is waited for all the same.
    pub(super) fn resume(&mut self, now: Now) {
        (self.hidden, self.gone) = (false, false);
        if self.offline {
            self.pause_until_ms = 0;
        }
        for batch in &mut self.batches {
            batch.stale = true;
            if batch.unconfirmed {
                batch.time_ms = now.monotonic_ms + PATIENCE_MS;
            }
        }
        self.wake(now);
    }

    /// What became of the command before.
    pub(super) fn done(&mut self, command: &Command, done: Done, now: Now) {
        match command.what {
            What::Beacon | What::BeaconKey => {
                let Some(at) = self.position(command.number) else { return };
                if done == Done::Yes {
                    let batch = &mut self.batches[at];
                    (batch.handle, batch.unconfirmed) = (0, true);
                    batch.time_ms = now.monotonic_ms + PATIENCE_MS;
                    self.send_what_is_due(now);
                } else {
                    self.send(at, false, now);
                }
            }
            What::Keep => {
                let id = line(&mut &*command.text);
                let Some(at) = self.with_id(id) else { return };
                let batch = &mut self.batches[at];
                match done {
                    Done::Yes => batch.kept = batch.count,
                    Done::No => (batch.kept, batch.stale) = (0, true),
                    Done::Taken => self.give_up(at, now),
                }
            }
            _ => {}
        }
    }

    /// Another page answers for what was kept of a batch; what is newer goes in a batch of its own.
    fn give_up(&mut self, at: usize, now: Now) {
        let id = new_id(now, &mut self.random);
        let batch = &mut self.batches[at];
        // It was to be sent next.
        if let Some(next) = self.commands.iter().position(|next| {
            next.number == batch.handle && next.what >= What::Fetch && next.what <= What::BeaconKey
        }) {
            self.commands.remove(next);
        }
        batch.take_first(batch.kept);
        batch.reports = 0;
        batch.id = id;
        (batch.handle, batch.kept, batch.stale, batch.unconfirmed) = (0, 0, true, false);
        batch.time_ms = now.monotonic_ms;
        if batch.events.is_empty() {
            self.batches.remove(at);
        } else {
            self.keep_one(at, now);
        }
    }

    /// What became of a `fetch`. An attempt that was given up before is no longer awaited; what its answer says of
    /// other batches counts all the same.
    pub(super) fn answered(&mut self, handle: u64, answer: &Answer, now: Now) {
        let mut receipts = &*answer.receipts;
        while !receipts.is_empty() {
            let receipt = line(&mut receipts);
            let mut status = receipt;
            let id = word(&mut status);
            self.confirm(id, status, now);
        }
        if let Some(at) = self.position(handle) {
            self.settle(at, answer, now);
            self.send_what_is_due(now);
        }
    }

    fn confirm(&mut self, id: &str, status: &str, now: Now) {
        let Some(at) = self.with_id(id) else { return };
        let batch = &mut self.batches[at];
        if !batch.unconfirmed {
            return;
        }
        if status == "s" {
            self.sent += batch.count as u64;
            self.remove(at, What::Confirmed);
            return;
        }
        batch.unconfirmed = false;
        batch.time_ms = now.monotonic_ms;
        if status == "e" {
            batch.possible_duplicate = true;
            batch.stale = true;
        }
    }

    /// Tells how many events are queued, unconfirmed, sent, refused and dropped.
    pub(super) fn tell_state(&mut self) {
        let mut text = String::new();
        for count in &self.counts() {
            push_number(&mut text, *count);
            text.push_str(" ");
        }
        self.tell(What::State, 0, text);
    }

    pub(super) fn counts(&self) -> [u64; 5] {
        let (mut queued, mut unconfirmed) = (0, 0);
        for batch in &self.batches {
            *(if batch.unconfirmed { &mut unconfirmed } else { &mut queued }) += batch.count as u64;
        }
        [queued, unconfirmed, self.sent, self.refused, self.dropped]
    }

    pub(super) fn tell(&mut self, what: What, number: u64, text: String) {
        self.commands.push(Command { what, number, text });
    }

    /// Brings what is kept up to date.
    pub(super) fn keep(&mut self, now: Now) {
        for at in 0..self.batches.len() {
            self.keep_one(at, now);
        }
    }

    fn keep_one(&mut self, at: usize, now: Now) {
        let batch = &mut self.batches[at];
        if !(batch.stale && self.settings.keeps && self.consents.grants(batch.category)) {
            return;
        }
        batch.stale = false;
        let due_ms = batch.time_ms.max(self.pause_until_ms).saturating_sub(now.monotonic_ms);
        let free_at_ms = if self.hidden { 0 } else { now.unix_ms + due_ms + LEASE_MS };
        let text = batch.lines();
        self.tell(What::Keep, free_at_ms, text);
    }

    fn remove(&mut self, at: usize, what: What) {
        let id = self.batches.remove(at).id;
        self.tell(what, 0, id);
    }

    fn with_id(&self, id: &str) -> Option<usize> {
        self.batches.iter().position(|batch| batch.id == id)
    }

    fn position(&self, handle: u64) -> Option<usize> {
        self.batches.iter().position(|batch| batch.handle == handle)
    }

    fn has_room(&self, events: usize, bytes: usize) -> bool {
        let (mut events, mut bytes) = (events, bytes);
        for batch in &self.batches {
            events += batch.count;
            bytes += batch.events.len();
        }
        events <= self.settings.queue_events && bytes <= self.settings.queue_bytes
    }

    /// Makes room for an event at the bound: the oldest ones that are not key events go, then the oldest at all;
    /// a key event never makes room for another. Of a batch that may have arrived all goes, since its id stands for
    /// the same events for ever. False where the new one is what goes.
    fn make_room(&mut self, bytes: usize, priority: Priority) -> bool {
        while !self.has_room(1, bytes) {
            let mut oldest = None;
            for (at, batch) in self.batches.iter().enumerate() {
                if batch.handle > 0 {
                    continue;
                }
                if batch.priority == Priority::Normal {
                    oldest = Some(at);
                    break;
                }
                if priority == Priority::Key && oldest.is_none() {
                    oldest = Some(at);
                }
            }
            let Some(at) = oldest else { return false };
            let batch = &mut self.batches[at];
            let count = if batch.attempted { batch.count } else { 1 };
            let lost = batch.take_first(count);
            if batch.count == 0 {
                self.remove(at, What::Forget);
            }
            let mut lost = &*lost;
            while !lost.is_empty() {
                let event = joined(&[line(&mut lost)]);
                self.lose(event);
            }
        }
        true
    }

    fn lose(&mut self, event: String) {
        self.dropped += 1;
        self.unreported += 1;
        self.tell(What::Lost, 0, event);
    }

    /// Whether a batch waits to be sent.
    fn may_leave(&self, batch: &Batch) -> bool {
        batch.handle == 0 && !batch.unconfirmed && self.consents.grants(batch.category)
    }

    /// The batch that is sent next, and when.
    fn first_due(&self) -> Option<(usize, u64)> {
        let mut first = None;
        for (at, batch) in self.batches.iter().enumerate() {
            if self.may_leave(batch) {
                let is_closed =
                    batch.attempted || first.is_some() || batch.count >= self.settings.flush_count;
                let due_ms = if is_closed || self.urgent { 0 } else { batch.time_ms };
                first = Some((first.map_or(at, |(at, _)| at), due_ms.max(self.pause_until_ms)));
            }
        }
        first
    }

    /// One batch at a time while the page lives: that keeps the order, and lets one failure hold back the rest.
    fn send_what_is_due(&mut self, now: Now) {
        if self.gone || self.is_busy() {
            return;
        }
        match self.first_due() {
            Some((at, due_ms)) if due_ms <= now.monotonic_ms => self.send(at, false, now),
            Some(_) => {}
            None => self.urgent = false,
        }
    }

    fn send(&mut self, at: usize, by_beacon: bool, now: Now) {
        self.attempts += 1;
        let mut ids = Members::default();
        let mut count = 0;
        for batch in &self.batches {
            // What is still under way is named too: the server stores it first.
            if (batch.unconfirmed || batch.handle > 0) && count < UNCONFIRMED_IDS {
                count += 1;
                ids.item(&batch.id);
            }
        }
        let batch = &mut self.batches[at];
        if !batch.attempted {
            batch.reports = std::mem::take(&mut self.unreported);
        }
        batch.handle = self.attempts;
        batch.time_ms = now.monotonic_ms + ANSWER_MS;
        (batch.attempted, batch.stale) = (true, true);
        // Kept before it goes: what the server has must never be less than what is kept under the same id.
        self.keep_one(at, now);
        let batch = &self.batches[at];
        let what = match (by_beacon, batch.priority) {
            (false, Priority::Normal) => What::Fetch,
            (false, Priority::Key) => What::FetchKey,
            (true, Priority::Normal) => What::Beacon,
            (true, Priority::Key) => What::BeaconKey,
        };
        let body = batch.body(now, &ids.0, &self.device, &self.consents.json);
        self.tell(what, self.attempts, body);
    }

    fn settle(&mut self, at: usize, answer: &Answer, now: Now) {
        let verdict = verdict(answer.status);
        let batch = &mut self.batches[at];
        let count = batch.count;
        batch.handle = 0;
        batch.time_ms = now.monotonic_ms;
        if verdict == Verdict::Again {
            self.failures += 1;
            batch.stale = true;
            let wait_ms = delay_ms(self.failures, answer.retry_after_ms, &mut self.random);
            self.pause_until_ms = now.monotonic_ms + wait_ms;
            self.offline = answer.status == 0;
        } else {
            self.failures = 0;
            if verdict == Verdict::TooLarge && count > 1 {
                // Another set of events is another batch.
                let old = std::mem::replace(&mut batch.id, new_id(now, &mut self.random));
                self.unreported += std::mem::take(&mut batch.reports);
                (batch.kept, batch.stale) = (0, true);
                let half = batch.split_off_half(new_id(now, &mut self.random));
                self.batches.insert(at, half);
                self.keep_one(at, now);
                self.keep_one(at + 1, now);
                // Last, so that a page that ends here leaves too much rather than too little.
                self.tell(What::Forget, 0, old);
            } else {
                *(if verdict == Verdict::Taken { &mut self.sent } else { &mut self.refused }) += count as u64;
                self.remove(at, What::Forget);
            }
        }
    }
}

#[cfg(test)]
impl Outbox {
    pub(super) fn held_bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.events.len()).sum()
    }
}
