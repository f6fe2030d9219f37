//! A bucket that servers share through Redis gives the same verdicts as one in memory, as far as two clocks that are read
//! one after the other can agree.

use crate::support::redis::{Redis, memory, settings};
use ingest_server::admit::{Limits, Quota};
use ingest_server::refusal::Refused;
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SITE: &str = "pk_demo";

/// What was said, whether it was yes or no.
fn quota(said: Result<Option<Quota>, Refused>) -> Quota {
    match said {
        Ok(Some(quota)) => quota,
        Err(Refused::RateLimited { quota, .. }) => quota,
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, Clone)]
struct Ask {
    pause_ms: u64,
    /// Events of the key, or a request of the address.
    events: Option<usize>,
    server: usize,
}

fn ask() -> impl Strategy<Value = Ask> {
    (0..12_u64, prop::option::of(1..300_usize), 0..2_usize).prop_map(|(pause_ms, events, server)| Ask {
        pause_ms,
        events,
        server,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn two_servers_that_share_a_bucket_say_what_one_server_with_its_own_would_say(
        key in (1..100_000_u32, 500..2_000_u32), address in (1..1_000_u32, 1..20_u32),
        asks in prop::collection::vec(ask(), 1..40),
    ) {
        static CASES: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("case{}:", CASES.fetch_add(1, Ordering::Relaxed));
        let numbers = [key.0, key.1, address.0, address.1].map(|number| number.to_string());
        let more = [
            ("limits.key_events_per_second", numbers[0].as_str()),
            ("limits.key_events_burst", &numbers[1]),
            ("limits.address_requests_per_second", &numbers[2]),
            ("limits.address_requests_burst", &numbers[3]),
            ("redis.prefix", &prefix),
        ];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let redis = Redis::start();
            let url = redis.url();
            let settings = settings(&url, &more);
            let alone = Limits::new(&settings, None);
            let shared = [memory(&url, &more).await.0, memory(&url, &more).await.0]
                .map(|memory| Limits::new(&settings, Some(memory)));
            let client: IpAddr = "203.0.113.7".parse().unwrap();
            // What lies between the readings of the two clocks, at most.
            let mut apart = Duration::ZERO;
            for Ask { pause_ms, events, server } in &asks {
                tokio::time::sleep(Duration::from_millis(*pause_ms)).await;
                let began = Instant::now();
                let both = match events {
                    Some(events) => {
                        (alone.events(SITE, *events).await, shared[*server].events(SITE, *events).await)
                    }
                    None => {
                        let client = Some(client);
                        (alone.request(client, None).await, shared[*server].request(client, None).await)
                    }
                };
                apart = apart.max(began.elapsed());
                let (own, other) = (quota(both.0), quota(both.1));
                // Redis counts in microseconds.
                let tolerance = 2 * apart.as_nanos() as u64 + 2_000;
                if (own.wait_ns == 0) != (other.wait_ns == 0) {
                    // The token came between the two readings; from here on the two differ by it.
                    assert!(own.wait_ns.max(other.wait_ns) <= tolerance, "{own:?} {other:?} {apart:?}");
                    return;
                }
                // A server that knows enough to refuse does so without Redis, and without what others took since.
                let least = if own.wait_ns == 0 { tolerance } else { u64::MAX };
                for (own, other) in [(own.wait_ns, other.wait_ns), (own.reset_ns, other.reset_ns)] {
                    assert!(other <= own + tolerance && own - own.min(other) <= least, "{own:?} {other:?} {apart:?}");
                }
                assert_eq!(own.limit, other.limit);
            }
        });
    }
}

#[tokio::test]
async fn no_bucket_is_emptier_than_it_can_be_and_a_large_one_is_exact() {
    let redis = Redis::start();
    let url = redis.url();
    let more = [("limits.key_events_per_second", "1"), ("limits.key_events_burst", "10000000")];
    let limits = Limits::new(&settings(&url, &more), Some(memory(&url, &more).await.0));
    for taken in 1..=3 {
        let quota = quota(limits.events(SITE, 500).await);
        assert_eq!((quota.wait_ns, quota.remaining), (0, 10_000_000 - taken * 500));
    }
    // Its owner made it smaller, and what it lacks is more than it holds now.
    let more = [("limits.key_events_per_second", "1"), ("limits.key_events_burst", "600")];
    let limits = Limits::new(&settings(&url, &more), Some(memory(&url, &more).await.0));
    let refused = quota(limits.events(SITE, 100).await);
    assert!(refused.wait_ns <= 100_000_000_000 && refused.reset_ns <= 600_000_000_000, "{refused:?}");
    // A clock of Redis's that was an hour ahead when the bucket was written.
    let key = redis.keys().into_iter().find(|key| key.ends_with(":rate")).unwrap();
    let ahead = redis.say(&["time"]).lines().next().unwrap().parse::<u64>().unwrap() + 3_600;
    redis.say(&["set", &key, &format!("{ahead}000000 1000000000")]);
    let limits = Limits::new(&settings(&url, &more), Some(memory(&url, &more).await.0));
    let quota = quota(limits.events(SITE, 1).await);
    assert_eq!((quota.wait_ns, quota.reset_ns), (0, 2_000_000_000), "a second was missing, and still is");
}
