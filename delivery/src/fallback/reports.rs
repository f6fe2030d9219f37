//! Takes the producer's reports, and opens the breaker when it is due, until the rest is over.
//!
//! Where delivery was opened on a runtime of several threads, reports are taken there: who waits for them goes on without
//! another thread between, and what was made for a batch is freed where the next one is made. A thread of its own sees to
//! it that they are taken whatever becomes of the runtime, and takes all of them where there is none.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::books::Books;
use super::gate::Shared;
use crate::error::OpenError;
use crate::kafka::POLL;
use crate::threads::start;

/// Begins to take them; `alive` is dropped when that is over.
pub(super) fn take(shared: Arc<Shared>, alive: Sender<()>) -> Result<(), OpenError> {
    let runtime = Handle::try_current().ok();
    let runtime = runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    let has_runtime = runtime.is_some();
    if let Some(runtime) = runtime {
        let (books, shared) = (Arc::clone(&shared.books), Arc::downgrade(&shared));
        runtime.spawn(async move {
            while !books.look.is_stopped() {
                books.reported.notified().await;
                let Some(shared) = shared.upgrade() else { return };
                let producer = Arc::clone(&shared.producing());
                producer.pass_on();
            }
        });
    }
    start("footfall-kafka-poll", alive, move || {
        let _last = Unattended { books: &shared.books };
        while !shared.books.look.is_stopped() {
            attend(&shared, has_runtime);
        }
    })
}

/// Everything that is to be done once within each `POLL`.
fn attend(shared: &Shared, has_runtime: bool) {
    let producer = Arc::clone(&shared.producing());
    if has_runtime {
        std::thread::sleep(POLL);
        producer.pass_on();
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
