//! Takes the producer's reports, and opens the breaker when it is due, until the rest is over.
//!
//! Where delivery was opened on a runtime of several threads, a task there takes reports: who waits for them goes on without
//! another thread between, and what was made for a batch is freed where the next one is made. A thread of its own sees to
//! it that they are taken whatever becomes of the runtime, and takes all of them where there is none.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, yield_now};

use super::books::Books;
use super::gate::Shared;
use crate::error::OpenError;
use crate::kafka::{POLL, Reports as _};
use crate::threads::start;

/// Begins to take them; `alive` is dropped when that is over.
pub(super) fn take(shared: Arc<Shared>, alive: Sender<()>) -> Result<(), OpenError> {
    let runtime = Handle::try_current().ok();
    let runtime = runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    let task = runtime
        .map(|runtime| runtime.spawn(take_as_they_come(Arc::clone(&shared.books), Arc::downgrade(&shared))));
    start("footfall-kafka-poll", alive, move || {
        let _last = Unattended { books: &shared.books };
        while !shared.books.look.is_stopped() {
            attend(&shared, task.as_ref());
        }
    })
}

/// It holds nothing that would have to end here while it waits.
async fn take_as_they_come(books: Arc<Books>, shared: Weak<Shared>) {
    let _broken = Broken { books: &books };
    loop {
        books.reported.notified().await;
        let Some(shared) = shared.upgrade().filter(|_| !books.look.is_stopped()) else { return };
        let more = books.taking(|| shared.producing().pass_on());
        drop(shared);
        if more {
            books.waiting();
            // Those who were told go on, and those who send come in.
            yield_now().await;
        }
    }
}

/// Everything that is to be done once within each `POLL`.
fn attend(shared: &Shared, task: Option<&JoinHandle<()>>) {
    let producer = Arc::clone(&shared.producing());
    if task.is_some_and(|task| !task.is_finished()) {
        thread::sleep(POLL);
        while shared.books.taking(|| producer.pass_on()) {}
    } else {
        producer.poll(POLL);
    }
    if shared.books.core().batches_too_large {
        // What stands behind the refused ones would overtake them.
        producer.take_back();
    }
    if let Some(words) = producer.fatal_error() {
        shared.books.core().must_open_for(&words);
    }
    drop(producer);
    shared.open_if_due();
}

/// However the polling ends, nobody is left waiting for a report that no one reads.
struct Unattended<'a> {
    books: &'a Books,
}

impl Drop for Unattended<'_> {
    fn drop(&mut self) {
        self.books.look.stop();
        self.books.drain.stop();
        self.books.reported.notify_one();
        self.books.core().abandon();
    }
}

/// A task that panics leaves reports half taken, which the thread cannot know; one that the runtime drops does not.
struct Broken<'a> {
    books: &'a Books,
}

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            drop(Unattended { books: self.books });
        }
    }
}
