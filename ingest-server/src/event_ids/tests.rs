use super::*;
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::timeout;

const SITE: &str = "pk";

async fn reserve(ids: &EventIds, events: &[&str]) -> Claimed {
    claim(ids, SITE, events).reserve(7_000).await.unwrap()
}

fn claim(ids: &EventIds, site: &str, events: &[&str]) -> Claim {
    ids.claim(site, (0..).zip(events.iter().copied()))
}

#[tokio::test]
async fn a_stored_event_is_a_duplicate_and_a_failed_one_is_not() {
    let ids = EventIds::new(1 << 20);
    let first = reserve(&ids, &["a", "b", "c"]).await;
    assert!(first.copies.is_empty());
    first.reservation.settle(|place| place != 1);
    let again = reserve(&ids, &["c", "b", "d", "a"]).await;
    assert_eq!(again.copies, [0, 3]);
    drop(again.reservation);
    assert!(reserve(&ids, &["b", "d"]).await.copies.is_empty(), "what was dropped is released");
    assert_eq!(ids.stats().ids, 2);
}

#[tokio::test]
async fn sites_keep_apart() {
    let ids = EventIds::new(1 << 20);
    for (site, id, copies) in
        [("pk", "ab", &[1][..]), ("pka", "b", &[1]), ("pk", "ab", &[0, 1]), ("other", "ab", &[1])]
    {
        let claimed = claim(&ids, site, &[id, id]).reserve(7_000).await.unwrap();
        assert_eq!(claimed.copies, copies, "{site} {id}: within one batch too");
        claimed.reservation.settle(|_| true);
    }
}

#[tokio::test]
async fn a_copy_waits_for_the_first_ones_fate() {
    let ids = EventIds::new(1 << 20);
    for is_stored in [true, false] {
        let event = if is_stored { "stored" } else { "lost" };
        let first = reserve(&ids, &[event]).await;
        let both = ["another", event];
        let mut copy = Box::pin(reserve(&ids, &both));
        assert!(timeout(Duration::from_millis(20), &mut copy).await.is_err(), "it waits");
        first.reservation.settle(|_| is_stored);
        assert_eq!(copy.await.copies, if is_stored { &[1][..] } else { &[] });
    }
}

#[tokio::test]
async fn two_batches_that_share_events_never_wait_for_each_other_and_no_wait_is_without_end() {
    let ids = EventIds { copy_wait: Duration::from_millis(50), ..EventIds::new(1 << 20) };
    let first = reserve(&ids, &["a"]).await;
    // It wants `b` too, and takes nothing while it waits.
    let refused = claim(&ids, SITE, &["b", "a"]).reserve(7_000).await;
    assert!(matches!(refused, Err(Refused::InFlight)));
    assert!(reserve(&ids, &["b"]).await.copies.is_empty());
    drop(first);
    assert!(reserve(&ids, &["b", "a"]).await.copies.is_empty());
    let table = ids.lock();
    assert_eq!(format!("{table:?}").matches("Receiver").count(), 0, "nothing is left behind: {table:?}");
}

#[tokio::test]
async fn at_the_bound_the_oldest_goes() {
    let room = 10 * crate::known_ids::BYTES_PER_ID;
    let ids = EventIds::new(room);
    let names: Vec<String> = (0..25).map(|number| format!("event-{number}")).collect();
    for name in &names {
        reserve(&ids, &[name]).await.reservation.settle(|_| true);
    }
    assert_eq!(ids.stats(), EventIdStats { ids: 10, max_ids: 10, evicted: 15 });
    assert!(reserve(&ids, &[&names[14]]).await.copies.is_empty());
    assert_eq!(reserve(&ids, &[&names[15]]).await.copies, [0]);
}

proptest! {
    /// Each event is stored exactly once as long as its batches fail or succeed as a whole, whatever comes again.
    #[test]
    fn of_all_copies_one_is_stored(batches in prop::collection::vec(
        (prop::collection::vec(0..12_u8, 1..6), any::<bool>()), 1..20,
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let ids = EventIds::new(1 << 16);
        let mut stored = [0; 12];
        let mut wanted = [false; 12];
        for (events, works) in &batches {
            let names: Vec<String> = events.iter().map(u8::to_string).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let Claimed { copies, reservation } = runtime.block_on(reserve(&ids, &names));
            for (place, event) in (0..).zip(events) {
                stored[usize::from(*event)] += usize::from(*works && !copies.contains(&place));
                wanted[usize::from(*event)] |= *works;
            }
            if *works { reservation.settle(|_| true) } else { drop(reservation) }
        }
        for (stored, wanted) in stored.into_iter().zip(wanted) {
            prop_assert_eq!(stored, usize::from(wanted));
        }
    }
}
