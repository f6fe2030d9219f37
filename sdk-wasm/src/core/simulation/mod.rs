//! The core against a simulated browser and server: random schedules of events, clock jumps, answers, storage failures
//! and life-cycle changes over several pages, and what must hold after each of them. A seed makes a schedule; one that
//! fails is printed, and `SIMULATION_SEED=<seed> cargo test -p footfall-sdk simulation` replays it.

mod browser;
mod server;
mod world;

use super::*;
use footfall_event_model::EventType;
use world::{Chances, World};

/// Runs a schedule for each seed, or only for the one that was asked for.
fn for_each_seed(seeds: u64, run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let asked = std::env::var("SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = asked.map_or(0..seeds, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("the seed is {seed}: replay it with SIMULATION_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// A schedule under bounds that are not reached, and what is left once all has healed.
fn run_to_rest(seed: u64, chances: Chances) -> World {
    let settings = Settings { queue_bytes: 1 << 30, queue_events: 1 << 20, ..Settings::default() };
    let mut world = World::new(seed, chances, settings);
    world.run(150);
    world.settle();
    world
}

#[test]
fn no_event_is_lost_and_none_is_stored_twice_while_storage_works() {
    for_each_seed(3_000, |seed| {
        let world = run_to_rest(seed, Chances::default());
        world.server.assert_each_once(&world.expected);
    });
}

#[test]
fn what_the_servers_memory_no_longer_reaches_is_stored_again_only_with_a_mark() {
    for_each_seed(600, |seed| {
        let chances = Chances { server_forgets: true, doubts: false, partial: false, ..Chances::default() };
        let world = run_to_rest(seed, chances);
        world.server.assert_all_and_copies_marked(&world.expected);
    });
}

#[test]
fn without_storage_a_page_that_lives_loses_nothing() {
    for_each_seed(600, |seed| {
        let chances = Chances { storage_fails: true, pages_end: false, ..Chances::default() };
        let world = run_to_rest(seed, chances);
        world.server.assert_each_once(&world.expected);
    });
}

#[test]
fn order_is_kept_while_the_page_lives() {
    for_each_seed(600, |seed| {
        let chances = Chances { pages_end: false, partial: false, hides: false, ..Chances::default() };
        let world = run_to_rest(seed, chances);
        assert!(world.server.order.is_sorted(), "{:?}", world.server.order);
    });
}

#[test]
fn the_bounds_hold_and_what_is_dropped_is_counted_and_reported() {
    for_each_seed(1_000, |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let settings = Settings {
            queue_events: random.usize(1..30),
            queue_bytes: random.usize(1_000..40_000),
            ..Settings::default()
        };
        let chances = Chances { pages_end: false, ..Chances::default() };
        let mut world = World::new(seed, chances, settings.clone());
        world.check_bounds = true;
        world.run(150);
        world.settle();
        let dropped = world.pages[0].tracker.counts()[4];
        let [arrived, recorded] = [world.server.events.len() as u64, world.expected.len() as u64];
        assert!(arrived + dropped >= recorded, "{arrived} and {dropped} of {recorded}");
        assert!(world.server.reported <= dropped, "each drop is reported once at most");
    });
}

#[test]
fn nothing_is_sent_or_kept_before_consent_nor_after_an_opt_out() {
    // The world checks it at every step.
    for_each_seed(1_500, |seed| {
        let chances = Chances { consent: true, ..Chances::default() };
        let world = run_to_rest(seed, chances);
        world.server.assert_none_twice();
    });
}

fn lone_page(settings: Settings) -> World {
    World::new(1, Chances::default(), settings)
}

#[test]
fn at_the_bound_ordinary_events_make_room_for_key_events_and_never_the_other_way() {
    let mut world = lone_page(Settings { queue_events: 3, flush_count: 500, ..Settings::default() });
    world.record(0, false, 0);
    world.tell(0, |tracker, now| tracker.flush(now));
    // One is on its way; from here on nothing else can leave.
    for key in [false, true, true, true, false] {
        world.record(0, key, 0);
    }
    assert_eq!(world.pages[0].tracker.counts(), [3, 0, 0, 0, 3]);
    world.settle();
    assert_eq!(
        world.server.order,
        [0, 3, 4],
        "the ordinary one, then the oldest key event, then the late ordinary one went"
    );
}

#[test]
fn what_was_dropped_is_reported_with_the_next_batch() {
    let mut world = lone_page(Settings { queue_events: 2, ..Settings::default() });
    for _ in 0..5 {
        world.record(0, false, 0);
    }
    world.settle();
    assert_eq!((world.server.reported, world.server.order), (3, vec![3, 4]));
}

#[test]
fn a_key_event_leaves_at_once_and_others_after_the_interval() {
    let mut world = lone_page(Settings::default());
    world.record(0, false, 0);
    world.advance(4_999);
    assert!(world.pages[0].under_way.is_empty());
    world.advance(1);
    assert_eq!(world.pages[0].under_way.len(), 1);
    world.answer_all();
    world.record(0, true, 0);
    assert_eq!(world.pages[0].under_way.len(), 1);
}

#[test]
fn a_server_that_fails_again_and_again_is_probed_once_a_minute_and_spared_by_pages_that_go() {
    let mut world = lone_page(Settings::default());
    world.record(0, true, 0);
    let mut attempts = vec![];
    for _ in 0..600 {
        if world.pages[0].under_way.pop().is_some() {
            attempts.push(world.now.monotonic_ms);
            let handle = world.pages[0].last_handle;
            world.tell(0, |tracker, now| {
                tracker.answered(handle, &Answer { status: 503, ..Answer::default() }, now)
            });
        }
        world.advance(500);
    }
    assert!(attempts.len() >= 12, "{attempts:?}");
    let waits: Vec<u64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[..9].iter().all(|wait| *wait <= 8_500), "{waits:?}");
    assert!(waits[9..].iter().all(|wait| *wait >= 60_000), "{waits:?}");
    world.tell(0, |tracker, now| tracker.leave(true, now));
    assert!(world.pages[0].beacons.is_empty(), "what is kept waits for the next page");
    world.open();
    world.settle();
    world.server.assert_each_once(&world.expected);
}

#[test]
fn beacons_of_one_leaving_are_cut_to_what_the_browser_takes_at_once() {
    let mut world = lone_page(Settings { flush_count: 500, ..Settings::default() });
    // The first batch leaves by itself at half of what a batch may hold, and stays under way.
    for _ in 0..30 {
        world.record(0, false, 1_500);
    }
    assert_eq!(world.pages[0].under_way.len(), 1);
    let first = world.pages[0].under_way[0].body.len();
    world.tell(0, |tracker, now| tracker.leave(true, now));
    let beacons: Vec<usize> = world.pages[0].beacons.iter().map(|request| request.body.len()).collect();
    assert!(!beacons.is_empty() && first + beacons[0] <= 64 * 1024, "{first} {beacons:?}");
}

#[test]
fn what_the_check_refuses_is_told_and_not_queued() {
    let mut world = lone_page(Settings::default());
    let refused = world.try_to_record(0, "Post View", String::new()).unwrap_err();
    assert_eq!(refused[0].path, "event");
    let refused =
        world.try_to_record(0, "a", format!("{{\"a\":\"{}\"}}", "x".repeat(32 * 1024))).unwrap_err();
    assert!(refused[0].message.contains("32768 are allowed"), "{refused:?}");
    let refused =
        world.try_to_record(0, "a", format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9))).unwrap_err();
    assert!(refused[0].message.contains("9 levels deep"), "{refused:?}");
    assert_eq!(world.pages[0].tracker.counts()[0], 0);
}

#[test]
fn a_sampled_session_tells_all_or_nothing_and_says_at_which_rate() {
    let told = (0..200u64).filter(|seed| {
        let mut world = World::new(*seed, Chances::default(), Settings::default());
        for _ in 0..3 {
            let text = world.numbered(0, 0);
            let said = Said { name: "like", text: &text, rate: "0.3", ..Said::default() };
            world.tell(0, |tracker, now| tracker.record(said, now.unix_ms, now).unwrap());
        }
        let count = world.pages[0].tracker.counts()[0];
        assert!(count == 0 || count == 3, "{count}");
        if count > 0 {
            world.tell(0, |tracker, now| tracker.flush(now));
            assert_eq!(world.pages[0].under_way[0].body.matches("\"sample_rate\":0.3").count(), 3);
        }
        count > 0
    });
    let told = told.count();
    assert!((35..90).contains(&told), "{told} of 200 sessions at 0.3");
}

#[test]
fn visitors_without_a_session_are_sampled_by_their_views() {
    let told = (0..200u64).filter(|seed| {
        let settings = Settings { private: true, keeps: false, ..Settings::default() };
        let mut world = World::new(*seed, Chances::default(), settings);
        let text = world.numbered(0, 0);
        let said = Said { name: "like", text: &text, rate: "0.5", ..Said::default() };
        world.tell(0, |tracker, now| tracker.record(said, now.unix_ms, now).unwrap());
        world.pages[0].tracker.counts()[0] == 1
    });
    let told = told.count();
    assert!((70..130).contains(&told), "{told} of 200 views at 0.5");
}

#[test]
fn what_the_server_asked_to_wait_for_is_waited_for_though_the_page_comes_and_goes() {
    let mut world = lone_page(Settings::default());
    world.record(0, true, 0);
    let handle = world.pages[0].last_handle;
    let busy = Answer { status: 429, retry_after_ms: 30_000, ..Answer::default() };
    world.tell(0, |tracker, now| tracker.answered(handle, &busy, now));
    world.pages[0].under_way.clear();
    world.advance(20_000);
    world.tell(0, |tracker, now| tracker.resume(now));
    assert!(world.pages[0].under_way.is_empty());
    world.advance(11_000);
    assert_eq!(world.pages[0].under_way.len(), 1);
}

#[test]
fn a_network_that_is_back_is_tried_at_once() {
    let mut world = lone_page(Settings::default());
    world.record(0, true, 0);
    for _ in 0..12 {
        let handle = world.pages[0].last_handle;
        world.tell(0, |tracker, now| tracker.answered(handle, &Answer::default(), now));
        world.pages[0].under_way.clear();
        world.tell(0, |tracker, now| tracker.resume(now));
        assert_eq!(world.pages[0].under_way.len(), 1);
    }
}

#[test]
fn anonymous_mode_sends_events_without_ids_and_remembers_nothing() {
    let mut world = lone_page(Settings { private: true, keeps: false, ..Settings::default() });
    let said = Said { kind: EventType::Identify, name: "ann", ..Said::default() };
    world.tell(0, |tracker, now| {
        assert!(tracker.record(said, now.unix_ms, now).is_err());
        tracker.set_user("ann");
    });
    world.record(0, false, 0);
    world.tell(0, |tracker, now| tracker.flush(now));
    let body = &world.pages[0].under_way[0].body;
    for id in ["anonymous_id", "session_id", "user_id"] {
        assert!(!body.contains(id), "{body}");
    }
    assert!(world.storage.batches.is_empty() && world.storage.slots.is_empty());
}
