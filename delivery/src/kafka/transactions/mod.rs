//! Produces in transactions: what waits goes into one together, and the fate of its records is told once that is committed, or
//! surely is not. Which batches come here, and what becomes of those that come back, is decided in `fallback`.
//!
//! One thread sends and commits. What comes meanwhile waits for the next transaction, so that the slower a commit is, the
//! more share it. After an abort everything is given back, and what comes is too, until [`Transactions::resume`]: else what
//! stood behind the aborted records would overtake them.

mod commit;
mod held;
mod queue;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::producer::Producer as _;

use self::queue::Queue;
use self::work::Work;
use super::context::Reports;
use super::producer::Sender;
use crate::error::OpenError;
use crate::record::Batch;

pub(super) use self::held::Held;

const THREAD: &str = "footfall-kafka-commit";

/// How long the brokers may take to end what a producer before this one left open.
const INIT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Transactions {
    queue: Arc<Queue>,
    sender: Arc<Sender>,
    initialised: Mutex<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Transactions {
    /// Starts the thread. Reports of `sender` must come through `held`, and it must be polled elsewhere.
    pub(super) fn start(
        sender: Arc<Sender>,
        held: Arc<Held>,
        reports: Arc<dyn Reports>,
        linger: Duration,
    ) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue::new(reports));
        let work = Work { queue: Arc::clone(&queue), sender: Arc::clone(&sender), held, linger };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || work.run())
            .map_err(|source| OpenError::Thread { name: THREAD, source })?;
        Ok(Self { queue, sender, initialised: Mutex::new(false), thread: Some(thread) })
    }

    /// Ends what an earlier producer with the same transactional id left open, and fences it. Done once; until then
    /// nothing can be handed over, and what stands in the topic may still change.
    ///
    /// # Errors
    ///
    /// Why the brokers do not, in words; it can be tried again.
    pub(crate) fn initialise(&self) -> Result<(), String> {
        let mut initialised = self.initialised.lock().unwrap_or_else(PoisonError::into_inner);
        if !*initialised {
            self.sender.inner.init_transactions(INIT_TIMEOUT).map_err(|error| {
                format!(
                    "the transactional id cannot be used (it needs the rights Write and Describe): {error}"
                )
            })?;
            *initialised = true;
        }
        Ok(())
    }

    /// Takes a batch for the next transaction, without blocking; its first record is reported under `first`, the others
    /// under the numbers behind it.
    pub(crate) fn hand_over(&self, first: usize, batch: Arc<Batch>) {
        self.queue.push((first, batch));
    }

    /// Whether a transaction could be neither committed nor aborted, so that the producer must be made anew.
    pub(crate) fn is_broken(&self) -> bool {
        self.queue.is_broken()
    }

    /// Gives back what waits, and what comes.
    pub(crate) fn halt(&self) {
        self.queue.halt();
    }

    /// Takes batches again.
    pub(crate) fn resume(&self) {
        self.queue.resume();
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // Its panic, if there was one, has been printed.
            let _ = thread.join();
        }
        self.queue.halt();
    }
}
