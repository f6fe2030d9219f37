//! The order of batches that left a page at once as it went: one that names others as unconfirmed was sent after them,
//! but each may come on a connection of its own. It is held until those are stored, for a short time, since they may be
//! lost.

use super::horizon::age;
use super::{Digest, Receipts};
use std::collections::HashMap;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// An older batch left long before, and is not waited for.
const YOUNG_MS: i64 = 10_000;
/// So many may be waited for; a batch that comes when there are more is not held.
const EXPECTED: usize = 1_024;

/// The batches that are waited for and have not come; each tells by its end that it is here.
pub(super) type Expected = HashMap<Digest, watch::Sender<()>>;

impl Receipts {
    /// Waits for the batches that were sent before, but not for the batch itself, in a request that was made at `sent_at` by its sender's clock and
    /// received at `received_at` by ours.
    pub async fn follow(
        &self,
        write_key: &str,
        own_id: Option<&str>,
        batch_ids: &[String],
        sent_at: Option<i64>,
        received_at: i64,
    ) {
        let deadline = Instant::now() + self.waits.order;
        for batch_id in batch_ids.iter().filter(|batch_id| Some(&***batch_id) != own_id) {
            let digest = self.salt.digest(write_key, batch_id);
            let is_young = age(batch_id, sent_at, received_at).is_some_and(|age| age < YOUNG_MS);
            // It has to come, and then to be stored.
            while let Some(mut news) = self.news_of(&digest, is_young) {
                // News are the end of who tells them, so what comes in time is an error.
                if timeout_at(deadline, news.changed()).await.is_err() {
                    self.lock().expected.remove(&digest);
                    return;
                }
            }
        }
    }

    /// What tells that something has become of a batch; `None` where nothing is waited for.
    fn news_of(&self, digest: &Digest, is_young: bool) -> Option<watch::Receiver<()>> {
        let mut memory = self.lock();
        if let Some(fate) = memory.in_flight.get(digest) {
            return Some(fate.clone());
        }
        let is_here = memory.known.contains(digest) || memory.partials.get(digest).is_some();
        if is_here || !is_young {
            return None;
        }
        if let Some(arrival) = memory.expected.get(digest) {
            return Some(arrival.subscribe());
        }
        if memory.expected.len() >= EXPECTED {
            return None;
        }
        let (arrival, news) = watch::channel(());
        memory.expected.insert(*digest, arrival);
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{new_id, receipts, reserve};
    use super::super::{WAITS, Waits};
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SITE: &str = "pk";

    #[tokio::test]
    async fn a_batch_is_held_until_the_one_before_it_has_come_and_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let patient = Waits { order: Duration::from_secs(60), ..WAITS };
        let receipts = Receipts { waits: patient, ..receipts(dir.path()) };
        let before = [new_id()];
        let follows = receipts.follow(SITE, None, &before, None, now());
        tokio::pin!(follows);
        assert!(timeout(Duration::from_millis(20), &mut follows).await.is_err(), "it has not come");
        let first = reserve(&receipts, &before[0]).await;
        assert!(timeout(Duration::from_millis(20), &mut follows).await.is_err(), "it is not stored");
        first.settle().await;
        follows.await;
        timeout(Duration::ZERO, receipts.follow(SITE, None, &before, None, now())).await.unwrap();
    }

    #[tokio::test]
    async fn one_that_never_comes_is_given_up_and_an_old_one_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let receipts = receipts(dir.path());
        let lost = [new_id()];
        let begun = Instant::now();
        receipts.follow(SITE, None, &lost, None, now()).await;
        assert!(begun.elapsed() >= receipts.waits.order);
        assert!(receipts.lock().expected.is_empty());
        for nothing in [&lost[..0], &["no id at all".to_owned()]] {
            timeout(Duration::ZERO, receipts.follow(SITE, None, nothing, None, now())).await.unwrap();
        }
        timeout(Duration::ZERO, receipts.follow(SITE, None, &lost, None, now() + 20_000)).await.unwrap();
        timeout(Duration::ZERO, receipts.follow(SITE, Some(&lost[0]), &lost, None, now())).await.unwrap();
    }

    #[tokio::test]
    async fn at_the_bound_nothing_more_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let receipts = receipts(dir.path());
        for number in 0..EXPECTED {
            assert!(receipts.news_of(&receipts.salt.digest(SITE, &number.to_string()), true).is_some());
        }
        timeout(Duration::ZERO, receipts.follow(SITE, None, &[new_id()], None, now())).await.unwrap();
    }

    /// After the ids of these tests, which are made a millisecond late.
    fn now() -> i64 {
        crate::stamp::unix_ms(std::time::SystemTime::now()) + 1
    }
}
