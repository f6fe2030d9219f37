//! The core against a simulated clock, network and page: random schedules, and what must hold after each of them.
//! A failing schedule is shrunk and printed by proptest, and replays from its seed.

use super::*;
use footfall_event_model::{Json, wire};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Clone)]
enum Step {
    Record {
        key: bool,
        bytes: usize,
    },
    NextPage,
    Identify(u8),
    Flush,
    Advance(u64),
    /// The oldest request that is under way ends like this.
    Network(Fate),
    Beacons {
        taken: bool,
    },
    Hide,
    Leave,
    Show,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Stored,
    /// Stored, but the answer never arrives.
    AnswerLost,
    Offline,
    Busy,
    TooLarge,
    /// Every second event is to be sent again.
    Half,
}

struct World {
    tracker: Tracker,
    now: Now,
    under_way: Vec<(u32, String)>,
    beacons_taken: bool,
    /// Event ids in the order in which the server first stored them.
    arrived: Vec<(String, u64)>,
    copies: HashMap<String, usize>,
    /// Events of each batch id that was ever sent.
    batches: HashMap<String, Vec<String>>,
    /// What each `seq` was recorded with: page and user.
    expected: HashMap<u64, (String, Option<String>)>,
    recorded: u64,
    pages: u32,
    user: Option<String>,
    bounded: bool,
    /// A request was given up, or its answer lost, that the server may store all the same.
    in_doubt: bool,
}

impl World {
    fn new(settings: Settings, bounded: bool, seed: u64) -> Self {
        let now = Now { unix_ms: 1_795_458_876_500, monotonic_ms: 0 };
        let mut tracker = Tracker::new(settings, seed);
        tracker.set_device(r#""locale":"de""#.to_owned());
        tracker.start_page(r#"{"path":"/0"}"#, now);
        Self {
            tracker,
            now,
            under_way: vec![],
            beacons_taken: true,
            arrived: vec![],
            copies: HashMap::new(),
            batches: HashMap::new(),
            expected: HashMap::new(),
            recorded: 0,
            pages: 0,
            user: None,
            bounded,
            in_doubt: false,
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Record { key, bytes } => self.record(*key, *bytes),
            Step::NextPage => {
                self.pages += 1;
                self.tracker.start_page(&format!(r#"{{"path":"/{}"}}"#, self.pages), self.now);
            }
            Step::Identify(user) => {
                let id = format!("user-{user}");
                if self.user.as_ref() != Some(&id) {
                    self.user = Some(id.clone());
                    self.expect();
                    self.say(Said::Identify(id), None).unwrap();
                }
            }
            Step::Flush => self.tracker.flush(self.now),
            Step::Advance(ms) => {
                self.now.unix_ms += ms;
                self.now.monotonic_ms += ms;
                self.tracker.wake(self.now);
                self.in_doubt |= self.under_way.iter().any(|(handle, _)| !self.tracker.awaits(*handle));
            }
            Step::Network(fate) => self.network(*fate),
            Step::Beacons { taken } => self.beacons_taken = *taken,
            Step::Hide => self.tracker.leave(false, self.now),
            Step::Leave => self.tracker.leave(true, self.now),
            Step::Show => self.tracker.resume(self.now),
        }
        self.carry_out();
    }

    fn expect(&mut self) {
        self.expected.insert(self.recorded, (format!("/{}", self.pages), self.user.clone()));
        self.recorded += 1;
    }

    fn record(&mut self, key: bool, bytes: usize) {
        self.expect();
        let properties = Json::parse(format!("{{\"text\":\"{}\"}}", "x".repeat(bytes))).unwrap();
        let said = if key { Said::TrackKey } else { Said::Track };
        self.say(said("like".into()), Some(properties)).unwrap();
    }

    fn say(&mut self, said: Said, json: Option<Json>) -> Result<(), Vec<footfall_event_model::Violation>> {
        self.tracker.record(said, json, self.now.unix_ms, self.now)
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.tracker.next_command() {
            let Command::Send { handle, transport, priority, body } = command else { continue };
            self.inspect(&body, priority);
            match transport {
                Transport::Fetch => self.under_way.push((handle, body)),
                Transport::Beacon => {
                    if self.beacons_taken {
                        self.store(&body, |_| true);
                    }
                    self.tracker.beaconed(handle, self.beacons_taken, self.now);
                }
            }
        }
    }

    /// What holds for every request that leaves.
    fn inspect(&mut self, body: &str, priority: Priority) {
        let lone = body.matches("\"event_id\"").count() == 1;
        assert!(body.len() <= if lone { 40 } else { 31 } * 1024, "a batch of {} bytes", body.len());
        let mut bytes = body.as_bytes().to_vec();
        let decoded = wire::decode_batch(&mut bytes).expect("the server's own decoder takes it");
        assert_eq!(decoded.unknown_fields, 0);
        let context = decoded.batch.context.unwrap();
        let mut ids = vec![];
        for raw in &decoded.batch.events {
            let read = wire::decode_event(raw).expect("the server's own check takes it");
            assert_eq!(read.unknown_fields, 0);
            let event = read.event;
            assert_eq!(event.key_event == Some(true), priority == Priority::Key, "one priority a batch");
            let own = event.context.as_deref().cloned().unwrap_or_default();
            let effective = context.overridden_by(&own);
            let said = (effective.page.unwrap().path.unwrap(), effective.user_id);
            assert_eq!(
                Some(&said),
                self.expected.get(&event.seq.unwrap()),
                "said with its own page and user"
            );
            ids.push(event.event_id.unwrap());
        }
        assert!(!ids.is_empty());
        let same = self.batches.entry(decoded.batch.batch_id.unwrap()).or_insert_with(|| ids.clone());
        assert!(self.bounded || *same == ids, "a batch id stands for the same events for ever");
    }

    fn network(&mut self, fate: Fate) {
        if self.under_way.is_empty() {
            return;
        }
        let (handle, body) = self.under_way.remove(0);
        let answer = |status, retry_after_ms, retry| Answer { status, retry_after_ms, retry };
        let answer = match fate {
            Fate::Stored => {
                self.store(&body, |_| true);
                answer(200, 0, vec![])
            }
            Fate::AnswerLost => {
                self.in_doubt = true;
                self.store(&body, |_| true);
                Answer::default()
            }
            Fate::Offline => Answer::default(),
            Fate::Busy => answer(503, 2_000, vec![]),
            // A server that refuses even one event would be right to be believed.
            Fate::TooLarge if body.matches("\"event_id\"").count() > 1 => answer(413, 0, vec![]),
            Fate::TooLarge => Answer::default(),
            Fate::Half => {
                self.store(&body, |index| index % 2 == 1);
                let count = body.matches("\"event_id\"").count();
                answer(200, 500, (0..count).filter(|index| index % 2 == 0).collect())
            }
        };
        self.tracker.answered(handle, &answer, self.now);
    }

    fn store(&mut self, body: &str, taken: impl Fn(usize) -> bool) {
        let mut bytes = body.as_bytes().to_vec();
        let decoded = wire::decode_batch(&mut bytes).unwrap();
        for (index, raw) in decoded.batch.events.iter().enumerate() {
            let event = wire::decode_event(raw).unwrap().event;
            let id = event.event_id.unwrap();
            if taken(index) {
                let copies = self.copies.entry(id.clone()).or_default();
                *copies += 1;
                if *copies == 1 {
                    self.arrived.push((id, event.seq.unwrap()));
                }
            }
        }
    }

    /// The network heals and the page stays: what is held must now arrive.
    fn settle(&mut self) {
        self.beacons_taken = true;
        self.apply(&Step::Show);
        self.apply(&Step::Flush);
        for _ in 0..20_000 {
            while !self.under_way.is_empty() {
                self.apply(&Step::Network(Fate::Stored));
            }
            let Some(wake) = self.tracker.next_wake() else { return };
            self.apply(&Step::Advance(wake.saturating_sub(self.now.monotonic_ms)));
        }
        panic!("never came to rest: {:?}", self.tracker);
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Stored),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Offline),
        1 => Just(Fate::Busy),
        1 => Just(Fate::TooLarge),
        1 => Just(Fate::Half),
    ]
}

fn while_alive(fates: impl Strategy<Value = Fate>) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (prop::bool::weighted(0.1), prop_oneof![9 => 0usize..300, 1 => 0usize..30_000])
            .prop_map(|(key, bytes)| Step::Record { key, bytes }),
        1 => Just(Step::NextPage),
        1 => (0u8..3).prop_map(Step::Identify),
        1 => Just(Step::Flush),
        3 => prop_oneof![0u64..1_000, 0u64..60_000, Just(31 * 60_000)].prop_map(Step::Advance),
        5 => fates.prop_map(Step::Network),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => while_alive(fate()),
        1 => any::<bool>().prop_map(|taken| Step::Beacons { taken }),
        1 => Just(Step::Hide),
        1 => Just(Step::Leave),
        1 => Just(Step::Show),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn every_event_arrives_and_twice_only_where_an_answer_was_lost(
        steps in prop::collection::vec(any_step(), 1..150), seed: u64, flush_count in 1usize..60,
    ) {
        let settings = Settings { flush_count, queue_bytes: 1 << 30, queue_events: 1 << 20, ..Settings::default() };
        let mut world = World::new(settings, false, seed);
        steps.iter().for_each(|step| world.apply(step));
        world.settle();
        prop_assert_eq!(world.arrived.len() as u64, world.recorded);
        prop_assert_eq!(world.tracker.counts(), [0, world.recorded, 0, 0]);
        if !world.in_doubt {
            prop_assert!(world.copies.values().all(|copies| *copies == 1));
        }
        let seqs: HashSet<u64> = world.arrived.iter().map(|(_, seq)| *seq).collect();
        prop_assert_eq!(seqs.len(), world.arrived.len(), "each seq is given once");
    }

    #[test]
    fn order_is_kept_while_the_page_lives(
        steps in prop::collection::vec(while_alive(fate().prop_filter("keeps order", |fate| *fate != Fate::Half)), 1..150),
        seed: u64,
    ) {
        let settings = Settings { queue_bytes: 1 << 30, queue_events: 1 << 20, ..Settings::default() };
        let mut world = World::new(settings, false, seed);
        for step in &steps {
            world.apply(step);
            let awaited = world.under_way.iter().filter(|(handle, _)| world.tracker.awaits(*handle)).count();
            prop_assert!(awaited <= 1, "one request at a time");
        }
        world.settle();
        prop_assert!(world.arrived.is_sorted_by_key(|(_, seq)| *seq));
    }

    #[test]
    fn the_bounds_hold_and_what_is_dropped_is_counted(
        steps in prop::collection::vec(any_step(), 1..150), seed: u64,
        queue_events in 1usize..30, queue_bytes in 1_000usize..40_000,
    ) {
        let settings = Settings { queue_bytes, queue_events, ..Settings::default() };
        let mut world = World::new(settings, true, seed);
        for step in &steps {
            world.apply(step);
            prop_assert!(world.tracker.counts()[0] <= queue_events as u64);
            prop_assert!(world.tracker.held_bytes() <= queue_bytes);
        }
        world.settle();
        let [_, sent, _, dropped] = world.tracker.counts();
        prop_assert_eq!(sent + dropped, world.recorded);
        prop_assert!(world.arrived.len() as u64 >= sent);
    }
}

#[test]
fn at_the_bound_ordinary_events_make_room_for_key_events_and_never_the_other_way() {
    let settings = Settings { queue_events: 3, flush_count: 500, ..Settings::default() };
    let mut world = World::new(settings, true, 1);
    world.apply(&Step::Record { key: false, bytes: 0 });
    world.apply(&Step::Flush);
    // One is on its way; from here on nothing else can leave.
    for key in [false, true, true, true, false] {
        world.apply(&Step::Record { key, bytes: 0 });
    }
    assert_eq!(world.tracker.counts(), [3, 0, 0, 3]);
    world.settle();
    let arrived: Vec<u64> = world.arrived.iter().map(|(_, seq)| *seq).collect();
    assert_eq!(
        arrived,
        [0, 3, 4],
        "the ordinary one, then the oldest key event, then the late ordinary one went"
    );
}

#[test]
fn a_key_event_leaves_at_once_and_others_after_the_interval() {
    let mut world = World::new(Settings::default(), false, 1);
    world.apply(&Step::Record { key: false, bytes: 0 });
    world.apply(&Step::Advance(4_999));
    assert!(world.under_way.is_empty());
    world.apply(&Step::Advance(1));
    assert_eq!(world.under_way.len(), 1);
    world.apply(&Step::Network(Fate::Stored));
    world.apply(&Step::Record { key: true, bytes: 0 });
    assert_eq!(world.under_way.len(), 1);
}

#[test]
fn a_refused_beacon_is_kept_and_arrives() {
    let mut world = World::new(Settings::default(), false, 1);
    world.apply(&Step::Record { key: false, bytes: 0 });
    world.apply(&Step::Beacons { taken: false });
    world.apply(&Step::Leave);
    world.apply(&Step::Network(Fate::Offline));
    assert_eq!(world.tracker.counts()[0], 1);
    world.settle();
    assert_eq!(world.arrived.len(), 1);
}

#[test]
fn beacons_of_one_leaving_are_cut_to_what_the_browser_takes_at_once() {
    let settings = Settings { flush_count: 500, ..Settings::default() };
    let mut world = World::new(settings, false, 1);
    // The first batch leaves by itself at half of what a batch may hold, and stays under way.
    for _ in 0..30 {
        world.apply(&Step::Record { key: false, bytes: 1_500 });
    }
    assert_eq!(world.under_way.len(), 1);
    let first = world.under_way[0].1.len();
    world.tracker.leave(true, world.now);
    let mut beacons = vec![];
    while let Some(command) = world.tracker.next_command() {
        if let Command::Send { body, .. } = command {
            beacons.push(body.len());
        }
    }
    assert!(!beacons.is_empty() && first + beacons[0] <= 64 * 1024, "{first} {beacons:?}");
}

#[test]
fn what_the_check_refuses_is_told_and_not_queued() {
    let mut world = World::new(Settings::default(), false, 1);
    let refused = world.say(Said::Track("Post View".into()), None).unwrap_err();
    assert_eq!(refused[0].path, "event");
    let big = Json::parse(format!("{{\"a\":\"{}\"}}", "x".repeat(32 * 1024))).unwrap();
    let refused = world.say(Said::Track("a".into()), Some(big)).unwrap_err();
    assert!(refused[0].message.contains("32768 are allowed"));
    assert_eq!(world.tracker.counts()[0], 0);
}

#[test]
fn anonymous_mode_sends_events_without_ids_and_remembers_nothing() {
    let mut world = World::new(Settings { private: true, ..Settings::default() }, false, 1);
    assert!(world.say(Said::Identify("ann".into()), None).is_err());
    world.tracker.set_user("ann".into());
    world.say(Said::Track("like".into()), None).unwrap();
    world.tracker.flush(world.now);
    let command = world.tracker.next_command();
    let Some(Command::Send { body, .. }) = command else { panic!("{command:?}") };
    assert_eq!(world.tracker.next_command(), None);
    for id in ["anonymous_id", "session_id", "user_id"] {
        assert!(!body.contains(id), "{body}");
    }
}
