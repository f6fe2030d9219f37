//! The core under a simulated Kafka, disk and clock: every schedule comes from a seed, which reproduces it.
//! What is checked at the end of each: nothing acknowledged is lost, order within a key holds, and no record stands in
//! Kafka more often than was counted.

mod world;

use world::{Faults, World};

const SEEDS: u64 = 50;
const STEPS: u32 = 2_500;

fn run(faults: Faults) -> world::Sums {
    let mut sums = world::Sums::default();
    for seed in 1..=SEEDS {
        let mut world = World::new(seed, faults);
        for _ in 0..STEPS {
            world.step();
        }
        world.heal();
        world.check(&mut sums);
    }
    println!("{faults:?}: {sums:?}");
    // A run in which nothing happens proves nothing.
    assert!(sums.acknowledged > 30_000 && sums.in_kafka > 30_000 && sums.drained > 5_000, "{sums:?}");
    assert!(sums.late > 50 && sums.changes > 4 * SEEDS, "{sums:?}");
    assert_eq!(
        sums.duplicates, 0,
        "nothing is sent again without being looked for, and no caller of these sends again"
    );
    sums
}

#[test]
fn outages_lose_nothing_keep_the_order_and_store_nothing_twice() {
    run(Faults::default());
}

#[test]
fn crashes_lose_nothing_keep_the_order_and_store_nothing_twice() {
    run(Faults { crashes: true, ..Faults::default() });
}

#[test]
fn a_disk_that_fails_now_and_then_loses_nothing_that_was_acknowledged() {
    run(Faults { disk: true, crashes: true, ..Faults::default() });
}

#[test]
fn records_that_kafka_refuses_are_set_aside_and_hold_up_no_other() {
    run(Faults { refusals: true, disk: true, crashes: true, ..Faults::default() });
}

#[test]
fn what_the_producer_gives_up_is_sent_again_in_order() {
    run(Faults { give_ups: true, refusals: true, disk: true, crashes: true, ..Faults::default() });
}

#[test]
fn a_producer_that_ends_for_good_is_replaced_and_nothing_is_stored_twice() {
    let sums = run(Faults { fatal: true, crashes: true, ..Faults::default() });
    assert!(sums.found > 100, "{sums:?}");
}
