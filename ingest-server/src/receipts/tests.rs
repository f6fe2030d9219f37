//! What the memory promises: known only when durable, released on failure, and the same after a restart.

use super::*;
use footfall_event_model::{limits, uuid_v7};
use proptest::prelude::*;
use std::task::{Context, Waker};

const DEFAULT: usize = 64 << 20;

pub(super) fn receipts(dir: &Path) -> Receipts {
    Receipts::open(dir, DEFAULT, false)
}

pub(super) async fn reserve(receipts: &Receipts, id: &str) -> Reservation {
    match receipts.reserve("pk", id, 1).await.unwrap() {
        Reserved::New(reservation) => reservation,
        Reserved::Known => panic!("{id} is known"),
    }
}

async fn is_known(receipts: &Receipts, id: &str) -> bool {
    matches!(receipts.reserve("pk", id, 1).await.unwrap(), Reserved::Known)
}

async fn ask(receipts: &Receipts, id: &str) -> Option<ReceiptStatus> {
    let now = crate::stamp::unix_ms(std::time::SystemTime::now());
    receipts.look("pk", &[id.to_owned()], None, now).await.pop().and_then(|(_, found)| found.alone())
}

fn set(indexes: &[u32]) -> EventSet {
    let mut set = EventSet::default();
    indexes.iter().for_each(|&index| set.insert(index));
    set
}

pub(super) fn new_id() -> String {
    // The millisecond after the memory was opened, since one made in the same one may be from before.
    let now = crate::stamp::unix_ms(std::time::SystemTime::now());
    uuid_v7(now.unsigned_abs() + 1, &[7; 10])
}

#[tokio::test]
async fn an_id_is_known_only_once_it_is_settled_and_only_on_its_site() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    drop(reserve(&receipts, "a").await);
    let reservation = reserve(&receipts, "a").await;
    assert!(!is_known(&receipts, "b").await);
    reservation.settle().await;
    assert!(is_known(&receipts, "a").await);
    assert!(matches!(receipts.reserve("other", "a", 1).await.unwrap(), Reserved::New(_)));
    assert_eq!(receipts.stats().ids, 1);
}

#[tokio::test]
async fn a_copy_waits_for_the_first_ones_fate_and_takes_over_after_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    for settles in [false, true] {
        let first = reserve(&receipts, "a").await;
        let copy = receipts.reserve("pk", "a", 2);
        tokio::pin!(copy);
        let looked = tokio::time::timeout(Duration::ZERO, &mut copy).await;
        assert!(looked.is_err(), "the copy waits");
        if settles {
            first.settle().await;
            assert!(matches!(copy.await.unwrap(), Reserved::Known));
        } else {
            drop(first);
            assert!(matches!(copy.await.unwrap(), Reserved::New(_)));
        }
    }
}

#[tokio::test]
async fn no_wait_is_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let short = Waits { copy: Duration::from_millis(1), ask: Duration::from_millis(1), ..WAITS };
    let receipts = Receipts { waits: short, ..receipts(dir.path()) };
    let first = reserve(&receipts, "a").await;
    let refused = receipts.reserve("pk", "a", 2).await.unwrap_err();
    assert_eq!((refused.code(), refused.status().as_u16()), ("in_flight", 503));
    assert_eq!(ask(&receipts, "a").await, None, "its sender asks again");
    first.settle().await;
    assert_eq!(ask(&receipts, "a").await, Some(ReceiptStatus::Stored));
}

#[tokio::test]
async fn a_batch_stored_in_part_is_unseen_and_a_copy_stores_the_rest() {
    for most in [limits::BATCH_EVENTS, limits::SEGMENT_BATCH_EVENTS] {
        let stored = set(&[0, most as u32 - 1]);
        let dir = tempfile::tempdir().unwrap();
        let first = receipts(dir.path());
        reserve(&first, "a").await.settle_in_part(stored.clone()).await;
        // A copy that fails takes nothing away.
        drop(reserve(&first, "a").await);
        for receipts in [first.clone(), reopened(first, dir.path())] {
            assert_eq!(ask(&receipts, "a").await, Some(ReceiptStatus::Unseen));
            assert_eq!(reserve(&receipts, "a").await.stored(), stored);
        }
        let last = Receipts::open(dir.path(), DEFAULT, false);
        reserve(&last, "a").await.settle().await;
        assert_eq!(ask(&last, "a").await, Some(ReceiptStatus::Stored));
    }
}

#[tokio::test]
async fn a_batch_that_the_store_may_have_is_expired_until_it_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let first = receipts(dir.path());
    let id = new_id();
    reserve(&first, &id).await.doubt().await;
    assert_eq!(ask(&first, &id).await, Some(ReceiptStatus::Expired));
    let again = reopened(first, dir.path());
    assert_eq!(ask(&again, &id).await, Some(ReceiptStatus::Expired));
    let copy = reserve(&again, &id).await;
    assert!(copy.stored().is_empty());
    copy.settle().await;
    assert_eq!(ask(&again, &id).await, Some(ReceiptStatus::Stored));
}

fn reopened(receipts: Receipts, dir: &Path) -> Receipts {
    receipts.close();
    Receipts::open(dir, DEFAULT, false)
}

#[tokio::test]
async fn a_new_memory_says_unseen_of_new_ids_and_expired_of_those_from_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    assert_eq!(ask(&receipts, &uuid_v7(1_000, &[7; 10])).await, Some(ReceiptStatus::Expired));
    assert_eq!(ask(&receipts, "no time in it").await, Some(ReceiptStatus::Unseen));
    let now = crate::stamp::unix_ms(std::time::SystemTime::now());
    let asked = [new_id()];
    let told = receipts.look("pk", &asked, Some(now + 1), now + 1).await;
    assert_eq!(told[0].1.alone(), Some(ReceiptStatus::Unseen));
}

#[tokio::test]
async fn a_clean_stop_loses_nothing_and_a_kill_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    let before = new_id();
    reserve(&receipts, "a").await.settle().await;
    let receipts = reopened(receipts, dir.path());
    assert_eq!(ask(&receipts, "a").await, Some(ReceiptStatus::Stored));
    assert!(!receipts.lock().horizon.lossy);
    // A kill: no journal is there to fill what the files may lack.
    drop(receipts);
    let receipts = Receipts::open(dir.path(), DEFAULT, false);
    assert_eq!(ask(&receipts, "a").await, Some(ReceiptStatus::Stored));
    assert_eq!(ask(&receipts, &before).await, Some(ReceiptStatus::Expired));
    assert_eq!(ask(&receipts, "no time in it").await, Some(ReceiptStatus::Expired));
    // And it stays told after the next clean stop.
    let horizon = receipts.lock().horizon;
    let receipts = reopened(receipts, dir.path());
    assert_eq!(receipts.lock().horizon, horizon);
}

#[tokio::test]
async fn what_is_settled_in_one_moment_is_written_in_one_go_and_a_copy_is_told_no_earlier() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    let (first, second) = (reserve(&receipts, "a").await, reserve(&receipts, "b").await);
    let mut settling = [Box::pin(first.settle()), Box::pin(second.settle())];
    let mut copy = Box::pin(receipts.reserve("pk", "b", 2));
    let mut context = Context::from_waker(Waker::noop());
    for settling in &mut settling {
        assert!(settling.as_mut().poll(&mut context).is_pending(), "others have their turn");
    }
    assert!(copy.as_mut().poll(&mut context).is_pending(), "it is known, and not written");
    let [first, second] = settling;
    first.await;
    let now = tempfile::tempdir().unwrap();
    std::fs::create_dir(now.path().join("receipts")).unwrap();
    for file in std::fs::read_dir(dir.path().join("receipts")).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), now.path().join("receipts").join(file.file_name())).unwrap();
    }
    let after_a_kill = Receipts::open(now.path(), DEFAULT, false);
    for id in ["a", "b"] {
        assert_eq!(ask(&after_a_kill, id).await, Some(ReceiptStatus::Stored), "{id}");
    }
    second.await;
    assert!(matches!(copy.await.unwrap(), Reserved::Known));
}

#[tokio::test]
async fn the_oldest_ids_go_first_and_the_horizon_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::open(dir.path(), 10 * known_ids::BYTES_PER_ID, false);
    let most = receipts.stats().max_ids;
    let now = crate::stamp::unix_ms(std::time::SystemTime::now());
    for number in 0..most as i64 + 3 {
        let Reserved::New(new) =
            receipts.reserve("pk", &number.to_string(), now + number * 1000).await.unwrap()
        else {
            panic!("{number} is known")
        };
        new.settle().await;
    }
    let stats = receipts.stats();
    assert_eq!((stats.ids, stats.evicted, stats.on_disk), (most, 3, true));
    assert_eq!(ask(&receipts, "3").await, Some(ReceiptStatus::Stored));
    assert_eq!(ask(&receipts, "2").await, Some(ReceiptStatus::Expired));
    let horizon = receipts.lock().horizon.at;
    assert!((now + 2000..=now + 3000).contains(&horizon), "{now} {horizon}");
    receipts.close();
    let again = Receipts::open(dir.path(), 10 * known_ids::BYTES_PER_ID, false);
    assert_eq!((again.stats().ids, again.lock().horizon.at), (most, horizon));
}

#[tokio::test]
async fn a_disk_that_fails_costs_only_what_a_restart_would_find() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("receipts"), "a file where the folder should be").unwrap();
    let receipts = receipts(dir.path());
    reserve(&receipts, "a").await.settle().await;
    assert!(is_known(&receipts, "a").await);
    assert!(!receipts.stats().on_disk);
    receipts.close();

    // And where it fails later: no second file can be begun.
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::open(dir.path(), 100 * known_ids::BYTES_PER_ID, false);
    std::fs::rename(dir.path().join("receipts"), dir.path().join("elsewhere")).unwrap();
    for number in 0..60 {
        reserve(&receipts, &number.to_string()).await.settle().await;
    }
    assert!(!receipts.stats().on_disk);
    assert!(is_known(&receipts, "0").await && is_known(&receipts, "59").await);
}

#[test]
fn the_default_bound_holds_three_million_ids() {
    let dir = tempfile::tempdir().unwrap();
    let most = receipts(dir.path()).stats().max_ids;
    assert_eq!(most, 3_002_740, "docs/wire.md says so: ten minutes at 5,000 batches a second");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A new batch comes and is stored, or fails.
    Batch {
        fails: bool,
    },
    /// One of the earlier ones comes again and is asked for.
    Again(prop::sample::Index),
    Stop,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => any::<bool>().prop_map(|fails| Step::Batch { fails }),
        8 => any::<prop::sample::Index>().prop_map(Step::Again),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The two mistakes that cost an event: `unseen` of a batch that is stored makes two of it, `stored` of one that is
    /// not loses it.
    #[test]
    fn a_stored_batch_is_never_called_unseen_nor_a_lost_one_stored(steps in steps(), most in 1..12_usize) {
        let dir = tempfile::tempdir().unwrap();
        let open = || Receipts::open(dir.path(), most * known_ids::BYTES_PER_ID, false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut receipts = open();
            let mut time = crate::stamp::unix_ms(std::time::SystemTime::now()) + 1;
            let mut batches: Vec<(String, bool)> = Vec::new();
            let mut killed = false;
            for step in steps {
                time += 700;
                match step {
                    Step::Batch { fails } => {
                        let mut random = [0; 10];
                        random[..8].copy_from_slice(&(batches.len() as u64).to_le_bytes());
                        let id = uuid_v7(time.unsigned_abs() - 50, &random);
                        let Reserved::New(new) = receipts.reserve("pk", &id, time).await.unwrap() else {
                            panic!("{id} is known")
                        };
                        if fails { drop(new) } else { new.settle().await }
                        batches.push((id, !fails));
                    }
                    Step::Again(which) if !batches.is_empty() => {
                        let (id, stored) = &batches[which.index(batches.len())];
                        let told = receipts.look("pk", std::slice::from_ref(id), Some(time), time).await;
                        let known = matches!(receipts.reserve("pk", id, time).await.unwrap(), Reserved::Known);
                        match told[0].1.alone() {
                            Some(ReceiptStatus::Stored) => assert!(stored & known, "{id}"),
                            Some(ReceiptStatus::Unseen) => assert!(!stored & !known, "{id}"),
                            Some(ReceiptStatus::Expired) => assert!(!known, "{id}"),
                            None => panic!("{id} is being stored"),
                        }
                    }
                    Step::Again(_) => {}
                    Step::Stop => {
                        receipts.close();
                        let before = (receipts.stats(), receipts.lock().horizon);
                        drop(receipts);
                        receipts = open();
                        // A kill leaves a note, which takes the room of an id.
                        assert!(killed || receipts.stats().ids == before.0.ids);
                        assert!(receipts.lock().horizon.at >= before.1.at);
                    }
                    Step::Kill => {
                        killed = true;
                        drop(receipts);
                        receipts = open();
                    }
                }
                assert!(receipts.stats().on_disk && receipts.stats().ids <= most);
            }
        });
    }
}
