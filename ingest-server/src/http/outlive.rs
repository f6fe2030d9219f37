//! Work that outlives whoever waits for it: a page that goes away has sent its batch all the same. It runs within the
//! waiter's own task, and moves to one of its own only where the waiter is dropped, which costs a request no task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TrackedFuture;

/// The work; `tracker` counts it until it is done, in whichever task.
pub(super) struct Outliving<F: Future<Output: Send> + Send + 'static> {
    /// None once it is done, and while it is polled: what panicked is not polled again.
    work: Option<TrackedFuture<Pin<Box<F>>>>,
}

/// The work that `make` makes; it starts with the first poll.
pub(super) fn outliving<F: Future<Output: Send> + Send + 'static>(
    tracker: &TaskTracker,
    make: impl FnOnce() -> F,
) -> Outliving<F> {
    // Made where it stays: it has some kilobytes, and what is moved is copied.
    let work = Box::write(Box::new_uninit(), make());
    Outliving { work: Some(tracker.track_future(Box::into_pin(work))) }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Outliving<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = Pin::new(&mut work).poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Outliving<F> {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and nothing was acknowledged.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::sync::Notify;
    use tokio::time::timeout;

    #[tokio::test]
    async fn it_goes_on_without_its_waiter_and_is_counted_to_its_end() {
        let (tracker, gate, done) =
            (TaskTracker::new(), Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let mut work = Box::pin(outliving(&tracker, || {
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            async move {
                gate.notified().await;
                done.store(true, Ordering::SeqCst);
            }
        }));
        assert!(timeout(Duration::from_millis(1), work.as_mut()).await.is_err());
        drop(work);
        tracker.close();
        assert_eq!(tracker.len(), 1);
        gate.notify_one();
        timeout(Duration::from_secs(10), tracker.wait()).await.unwrap();
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_was_never_polled_runs_too_and_what_is_done_does_not_run_again() {
        let (tracker, runs) = (TaskTracker::new(), Arc::new(AtomicUsize::new(0)));
        let work = || {
            let runs = Arc::clone(&runs);
            outliving(&tracker, || async move { runs.fetch_add(1, Ordering::SeqCst) })
        };
        drop(work());
        work().await;
        tracker.close();
        timeout(Duration::from_secs(10), tracker.wait()).await.unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_panicked_is_not_polled_again() {
        let tracker = TaskTracker::new();
        let work = outliving(&tracker, || async { panic!("within the work") });
        let failed = tokio::spawn(work).await;
        assert!(failed.is_err_and(|error| error.is_panic()));
        tracker.close();
        timeout(Duration::from_secs(10), tracker.wait()).await.unwrap();
    }
}
