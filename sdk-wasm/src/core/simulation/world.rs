//! Pages, one storage, one server and two clocks, driven by a seed: each step does something that a visitor, a network or
//! a browser could do, and checks what must hold at any time.

use super::browser::Storage;
use super::server::{Expected, Request, Server};
use crate::core::{Answer, Done, Now, Priority, Said, Settings, Tracker, What};
use footfall_event_model::{EventType, Violation};

/// What may happen besides the ordinary.
#[derive(Debug, Clone)]
pub(super) struct Chances {
    /// Pages are left, closed or crash, and others are opened.
    pub(super) pages_end: bool,
    /// Pages are hidden and shown.
    pub(super) hides: bool,
    /// The server takes a part of a batch.
    pub(super) partial: bool,
    /// Answers are lost and requests hang, so that it is in doubt whether they arrived.
    pub(super) doubts: bool,
    /// The storage is full at times.
    pub(super) storage_fails: bool,
    /// The server's memory of batches is lost at times.
    pub(super) server_forgets: bool,
    /// The visitor changes their mind.
    pub(super) consent: bool,
}

impl Default for Chances {
    fn default() -> Self {
        Self {
            pages_end: true,
            hides: true,
            partial: true,
            doubts: true,
            storage_fails: false,
            server_forgets: false,
            consent: false,
        }
    }
}

pub(super) struct Page {
    pub(super) tracker: Tracker,
    id: u32,
    path: String,
    user: Option<String>,
    mine: Vec<String>,
    pub(super) under_way: Vec<Request>,
    pub(super) beacons: Vec<Request>,
    pub(super) last_handle: u64,
    /// Left, so that it may be shown again or not.
    is_gone: bool,
}

pub(super) struct World {
    random: fastrand::Rng,
    chances: Chances,
    settings: Settings,
    pub(super) now: Now,
    pub(super) pages: Vec<Page>,
    pub(super) storage: Storage,
    pub(super) server: Server,
    /// Requests of pages that are gone, which may still arrive.
    adrift: Vec<Request>,
    beacons_are_taken: bool,
    consent: u8,
    pub(super) expected: Expected,
    pub(super) check_bounds: bool,
    numbers: u64,
    pages_opened: u32,
}

impl World {
    pub(super) fn new(seed: u64, chances: Chances, settings: Settings) -> Self {
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            chances,
            settings,
            now: Now { unix_ms: 1_795_458_876_500, monotonic_ms: 10 },
            pages: vec![],
            storage: Storage::default(),
            server: Server::default(),
            adrift: vec![],
            beacons_are_taken: true,
            consent: b'2',
            expected: Expected::default(),
            check_bounds: false,
            numbers: 0,
            pages_opened: 0,
        };
        world.open();
        world
    }

    /// Opens a page, which goes on with what is stored.
    pub(super) fn open(&mut self) {
        self.pages_opened += 1;
        let path = format!("/{}", self.pages_opened);
        let tracker = Tracker::new(self.settings.clone(), self.random.u64(..));
        let page = Page {
            tracker,
            id: self.pages_opened,
            path: path.clone(),
            user: None,
            mine: vec![],
            under_way: vec![],
            beacons: vec![],
            last_handle: 0,
            is_gone: false,
        };
        self.pages.push(page);
        let at = self.pages.len() - 1;
        let consent = self.consent;
        let slots = self.storage.slots.clone();
        self.pages[at].user = slots.get(&(What::User as u32)).cloned();
        self.tell(at, |tracker, now| {
            tracker.set_device(r#""locale":"de""#.to_owned());
            for slot in [What::AnonymousId, What::Session, What::User, What::Group, What::Dropped] {
                if let Some(value) = slots.get(&(slot as u32)) {
                    tracker.recall(slot, value);
                }
            }
            tracker.set_consent(str::from_utf8(&[consent]).unwrap(), "", now);
            tracker.start_page(&format!(r#"{{"path":"{path}"}}"#), now);
        });
        self.claim(at);
    }

    /// Tells a page's tracker something, and does what it wants.
    pub(super) fn tell<T>(&mut self, at: usize, what: impl FnOnce(&mut Tracker, Now) -> T) -> T {
        let now = self.now;
        let result = what(&mut self.pages[at].tracker, now);
        self.carry_out(at);
        // What the browser's side does at the end of each task.
        self.pages[at].tracker.keep(now);
        self.carry_out(at);
        if self.check_bounds {
            let tracker = &self.pages[at].tracker;
            let [queued, unconfirmed, ..] = tracker.counts();
            assert!(queued + unconfirmed <= self.settings.queue_events as u64);
            assert!(tracker.held_bytes() <= self.settings.queue_bytes);
        }
        result
    }

    fn carry_out(&mut self, at: usize) {
        let page = &mut self.pages[at];
        while let Some(command) = page.tracker.next_command() {
            if std::env::var("SIMULATION_SEED").is_ok() {
                let events: Vec<&str> = command
                    .text
                    .match_indices("\"event_id\":\"")
                    .map(|(at, _)| &command.text[at + 12 + 24..at + 12 + 36])
                    .collect();
                let batch = command.text.find("batch_id").map_or(0, |at| at + 11);
                eprintln!(
                    "   page {} {:?} {} {} {events:?}",
                    page.id,
                    command.what,
                    command.number,
                    &command.text[batch..command.text.len().min(batch + 36)]
                );
            }
            let (what, text) = (command.what, &*command.text);
            let mut done = Done::Yes;
            match what {
                What::Fetch | What::FetchKey | What::Beacon | What::BeaconKey => {
                    assert_eq!(self.consent, b'2', "sent without consent");
                    let is_key = matches!(what, What::FetchKey | What::BeaconKey);
                    let priority = if is_key { Priority::Key } else { Priority::Normal };
                    let request = Request { handle: command.number, priority, body: text.to_owned() };
                    self.server.inspect(&request, &self.expected);
                    page.last_handle = command.number;
                    if matches!(what, What::Fetch | What::FetchKey) {
                        page.under_way.push(request);
                    } else if self.beacons_are_taken && self.chances.doubts {
                        page.beacons.push(request);
                    } else if self.beacons_are_taken {
                        if self.random.u8(..4) > 0 {
                            self.server.take(&request, |_| true);
                        }
                    } else {
                        done = Done::No;
                    }
                }
                What::Keep => {
                    assert_eq!(self.consent, b'2', "kept without consent");
                    done = self.storage.keep(page.id, &mut page.mine, text, command.number);
                }
                What::Forget | What::Confirmed => {
                    self.storage.batches.remove(text);
                    page.mine.retain(|id| id != text);
                }
                What::ForgetAll => {
                    self.storage.forget_all();
                    page.mine.clear();
                }
                What::Refused | What::Lost | What::State => {}
                slot => {
                    assert!(self.consent == b'2' || text.is_empty(), "remembered without consent");
                    self.storage.remember(slot, text);
                }
            }
            page.tracker.done(&command, done, self.now);
        }
    }

    pub(super) fn record(&mut self, at: usize, key_event: bool, bytes: usize) {
        let text = self.numbered(at, bytes);
        let said = Said { key_event, name: "like", text: &text, ..Said::default() };
        self.tell(at, |tracker, now| tracker.record(said, now.unix_ms, now).unwrap());
    }

    pub(super) fn try_to_record(
        &mut self,
        at: usize,
        name: &str,
        text: String,
    ) -> Result<(), Vec<Violation>> {
        let said = Said { name, text: &text, ..Said::default() };
        self.tell(at, |tracker, now| tracker.record(said, now.unix_ms, now))
    }

    /// Properties with a number of their own, under which the event is expected with its page and user.
    pub(super) fn numbered(&mut self, at: usize, bytes: usize) -> String {
        let number = self.numbers;
        self.numbers += 1;
        if self.consent != b'0' {
            self.expected.insert(number, (self.pages[at].path.clone(), self.pages[at].user.clone()));
        }
        format!("{{\"n\":{number},\"text\":\"{}\"}}", "x".repeat(bytes))
    }

    fn identify(&mut self, at: usize) {
        let user = format!("user-{}", self.random.u8(0..3));
        self.pages[at].user =
            Some(user.clone()).filter(|_| self.consent != b'0').or(self.pages[at].user.take());
        let text = self.numbered(at, 0);
        let said = Said { kind: EventType::Identify, name: &user, text: &text, ..Said::default() };
        self.tell(at, |tracker, now| tracker.record(said, now.unix_ms, now).unwrap());
    }

    pub(super) fn advance(&mut self, ms: u64) {
        if !self.chances.doubts {
            // Nothing is given up that then arrives.
            self.answer_all();
        }
        self.now.unix_ms += ms;
        self.now.monotonic_ms += ms;
        for at in 0..self.pages.len() {
            let wake = self.pages[at].tracker.next_wake();
            if wake.is_some_and(|wake| wake <= self.now.monotonic_ms) {
                self.tell(at, |tracker, now| tracker.wake(now));
            }
        }
    }

    fn claim(&mut self, at: usize) {
        if self.consent != b'2' {
            return;
        }
        let page = &mut self.pages[at];
        for lines in self.storage.claim(page.id, &mut page.mine, self.now.unix_ms) {
            self.tell(at, |tracker, now| tracker.adopt(&lines, now));
        }
    }

    /// All requests that are under way are stored and answered.
    pub(super) fn answer_all(&mut self) {
        for at in 0..self.pages.len() {
            while !self.pages[at].under_way.is_empty() {
                let request = self.pages[at].under_way.remove(0);
                let answer = self.server.take(&request, |_| true);
                self.tell(at, |tracker, now| tracker.answered(request.handle, &answer, now));
            }
        }
    }

    fn network(&mut self, at: usize) {
        // A beacon, or a request whose page is gone, arrives or is lost.
        let loose = if self.random.bool() { &mut self.adrift } else { &mut self.pages[at].beacons };
        if !loose.is_empty() {
            let request = loose.remove(self.random.usize(..loose.len()));
            if self.random.u8(..4) > 0 {
                self.server.take(&request, |_| true);
            }
        }
        if self.pages[at].under_way.is_empty() {
            return;
        }
        let request = self.pages[at].under_way.remove(0);
        let refused = |status| Answer { status, retry_after_ms: 2_000, ..Answer::default() };
        let count = request.body.matches("\"event_id\"").count();
        let answer = match self.random.u8(..10) {
            0 => Answer::default(),
            // Stored, but the answer never arrives.
            1 if self.chances.doubts => {
                self.server.take(&request, |_| true);
                Answer::default()
            }
            2 => refused(503),
            // A server that refuses even one event would be right to be believed.
            3 if count > 1 && self.pages.len() == 1 && !self.server.knows(&request) => {
                self.stop_copies(&request);
                Answer { status: 413, ..Answer::default() }
            }
            4 if self.chances.partial => {
                let answer = self.server.take(&request, |index| index % 2 == 1);
                if self.chances.doubts && self.random.u8(..3) == 0 { Answer::default() } else { answer }
            }
            // It never ends; the tracker gives it up, and it arrives later or not.
            5 if self.chances.doubts => {
                self.adrift.push(request);
                return;
            }
            _ => self.server.take(&request, |_| true),
        };
        self.tell(at, |tracker, now| tracker.answered(request.handle, &answer, now));
    }

    /// No earlier copy of a batch arrives any more: it would be refused as well.
    fn stop_copies(&mut self, request: &Request) {
        let is_other = |other: &Request| other.batch() != request.batch();
        self.adrift.retain(is_other);
        self.pages.iter_mut().for_each(|page| page.beacons.retain(is_other));
    }

    fn end(&mut self, at: usize) {
        let page = self.pages.remove(at);
        // Half of what was under way is still delivered.
        for request in page.under_way.into_iter().chain(page.beacons) {
            if self.random.bool() {
                self.adrift.push(request);
            }
        }
        if !self.chances.doubts {
            self.deliver_adrift();
        }
        if self.pages.is_empty() {
            self.open();
        }
    }

    fn deliver_adrift(&mut self) {
        for request in std::mem::take(&mut self.adrift) {
            self.server.take(&request, |_| true);
        }
    }

    /// Runs a schedule of so many steps.
    pub(super) fn run(&mut self, steps: usize) {
        for _ in 0..self.random.usize(1..steps) {
            let at = self.random.usize(..self.pages.len());
            self.step(at);
        }
    }

    fn step(&mut self, at: usize) {
        let chances = self.chances.clone();
        let what = self.random.u8(..44);
        if std::env::var("SIMULATION_SEED").is_ok() {
            eprintln!(
                "step {what} page {} {:?} {:?}",
                self.pages[at].id,
                self.now,
                self.pages[at].tracker.counts()
            );
        }
        match what {
            0..16 if !self.pages[at].is_gone => {
                let bytes = if self.random.u8(..10) == 0 {
                    self.random.usize(..30_000)
                } else {
                    self.random.usize(..300)
                };
                let is_key = self.random.u8(..10) == 0;
                self.record(at, is_key, bytes);
            }
            16 => {
                let path = format!("/{}-{}", self.pages[at].id, self.numbers);
                self.pages[at].path = path.clone();
                self.tell(at, |tracker, now| tracker.start_page(&format!(r#"{{"path":"{path}"}}"#), now));
            }
            17 if self.pages.len() == 1 => self.identify(at),
            18 => self.tell(at, |tracker, now| tracker.flush(now)),
            19..25 => {
                let ms = match self.random.u8(..8) {
                    0 => 31 * 60_000,
                    1..4 => self.random.u64(..60_000),
                    _ => self.random.u64(..1_000),
                };
                self.advance(ms);
            }
            25..34 => self.network(at),
            34 => self.beacons_are_taken = self.random.bool(),
            35 if chances.hides => self.tell(at, |tracker, now| tracker.leave(false, now)),
            36 if chances.hides => {
                self.pages[at].is_gone = true;
                self.tell(at, |tracker, now| tracker.leave(true, now));
            }
            37 => {
                self.pages[at].is_gone = false;
                self.tell(at, |tracker, now| tracker.resume(now));
                self.claim(at);
            }
            38 if chances.pages_end => {
                self.tell(at, |tracker, now| tracker.leave(true, now));
                self.end(at);
            }
            // A crash: no last word.
            39 if chances.pages_end => self.end(at),
            40 if chances.pages_end && self.pages.len() < 3 => self.open(),
            // The clock is set.
            41 => self.now.unix_ms = self.now.unix_ms.wrapping_add_signed(self.random.i64(-100_000..100_000)),
            42 if chances.storage_fails => self.storage.is_full = self.random.bool(),
            42 if chances.server_forgets => self.server.forget(),
            43 if chances.consent => {
                let consent = b"012"[self.random.usize(..3)];
                self.decide(consent);
            }
            43 => self.claim(at),
            _ => {}
        }
    }

    /// The visitor says it on one page, and all of them hear it.
    fn decide(&mut self, consent: u8) {
        self.consent = consent;
        if consent == b'0' {
            self.expected.clear();
        }
        for at in 0..self.pages.len() {
            if consent == b'0' {
                self.pages[at].user = None;
            }
            self.tell(at, |tracker, now| tracker.set_consent(str::from_utf8(&[consent]).unwrap(), "", now));
        }
        if consent == b'0' {
            assert!(self.storage.batches.is_empty(), "all that was kept is deleted");
            assert!(self.storage.slots.is_empty(), "all that was remembered is deleted");
        }
    }

    /// All heals: what is held must now arrive, and what is kept be taken over and arrive.
    pub(super) fn settle(&mut self) {
        (self.beacons_are_taken, self.storage.is_full) = (true, false);
        if self.consent == b'1' {
            self.decide(b'2');
        }
        if self.chances.pages_end {
            self.open();
        }
        for at in 0..self.pages.len() {
            self.tell(at, |tracker, now| tracker.resume(now));
        }
        for round in 0..400 {
            self.deliver_adrift();
            for at in 0..self.pages.len() {
                for request in std::mem::take(&mut self.pages[at].beacons) {
                    self.server.take(&request, |_| true);
                }
                self.claim(at);
                // Receipts come with the answer to something else.
                if self.consent == b'2' && round % 20 == 0 && self.pages[at].tracker.counts()[1] > 0 {
                    self.record(at, false, 0);
                }
            }
            self.answer_all();
            let is_quiet = self.pages.iter().all(|page| page.tracker.counts()[..2] == [0, 0]);
            if is_quiet && (self.consent != b'2' || self.storage.batches.is_empty()) {
                return;
            }
            self.advance(2_500);
        }
        let held: Vec<_> = self.pages.iter().map(|page| page.tracker.counts()).collect();
        panic!("never came to rest: {held:?}, kept {:?}", self.storage.batches);
    }
}
