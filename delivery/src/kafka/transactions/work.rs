//! One transaction after the other: begin, send, commit, or abort where it cannot be committed; then the word on each record.
//! Nothing is told before the end is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer as _, PurgeConfig};

use super::commit::{NotCommitted, commit};
use super::held::Held;
use super::queue::{Handed, Queue, given_up};
use crate::kafka::context::Report;
use crate::kafka::failure::Refused;
use crate::kafka::producer::Sender;

/// How long one call may block before it is looked whether all of this ends.
const SLICE: Duration = Duration::from_millis(200);

/// How long the reports of a producer that has ended are waited for.
const LAST_REPORTS: Duration = Duration::from_secs(5);

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Committed,
    Aborted,
    /// The producer ended, or was ended, before it was told: the transaction may be committed all the same.
    Unknown,
}

/// The thread that sends and commits.
pub(super) struct Work {
    pub(super) queue: Arc<Queue>,
    pub(super) sender: Arc<Sender>,
    pub(super) held: Arc<Held>,
    /// How long a transaction waits for company.
    pub(super) linger: Duration,
}

impl Work {
    /// Works until the queue is closed.
    pub(super) fn run(self) {
        while !self.queue.is_closed() {
            let group = self.queue.take(self.linger);
            if !group.is_empty() {
                self.transact(&group);
            }
        }
    }

    /// One transaction, from its begin to the word about each of its records.
    fn transact(&self, group: &[Handed]) {
        let numbers: Vec<usize> =
            group.iter().flat_map(|(first, batch)| *first..first + batch.len()).collect();
        let end = match self.sender.inner.begin_transaction() {
            Ok(()) => {
                self.held.begin(numbers.len());
                self.send(group);
                self.end()
            }
            Err(error) => {
                tracing::debug!("a transaction could not begin: {error}");
                self.queue.set_broken();
                // Nothing was sent.
                End::Aborted
            }
        };
        let fates = self.held.take();
        self.queue.reports.transaction_ended(end == End::Committed);
        // First, so that nothing that comes from here on overtakes what is given back.
        let mut gave_back = end != End::Committed && self.queue.halt();
        let mut told = numbers.into_iter().enumerate().map(|(place, opaque)| {
            let told = fates.get(place).cloned().flatten();
            let fate = match (end, told) {
                // One that is the record's own fault holds however the transaction ended.
                (_, Some(Err(refused @ (Refused::Record(_) | Refused::TooLarge(_))))) => Err(refused),
                (End::Committed, Some(fate)) => fate,
                (End::Aborted, _) => Err(given_up(false)),
                (End::Committed | End::Unknown, _) => Err(given_up(true)),
            };
            gave_back |= matches!(fate, Err(Refused::GivenUp { .. }));
            Report { opaque, fate }
        });
        self.queue.reports.settled(&mut told);
        if end == End::Aborted && !gave_back {
            // It held nothing but what Kafka refuses for good: nobody comes back from the journal to resume.
            self.queue.resume();
        }
    }

    fn send(&self, group: &[Handed]) {
        let begin = self.held.first_number();
        let mut first = begin;
        for (_, batch) in group {
            self.sender
                .send(batch, first, |number, refused| self.held.refused_at_once(number - begin, refused));
            first += batch.len();
        }
    }

    /// Commits once every record has its report, or aborts.
    fn end(&self) -> End {
        if self.held.has_failed() {
            return self.abort();
        }
        loop {
            match commit(&self.sender.inner, SLICE) {
                Ok(()) => return End::Committed,
                Err(NotCommitted::Abort(words)) => {
                    tracing::debug!("a transaction must be aborted: {words}");
                    return self.abort();
                }
                Err(NotCommitted::Ended(words)) => {
                    tracing::debug!("a transaction could not be committed: {words}");
                    return self.ended();
                }
                Err(NotCommitted::Yet(words)) => tracing::trace!("a commit is asked for again: {words}"),
            }
            if self.queue.is_closed() {
                return End::Unknown;
            }
        }
    }

    /// Once this is `Aborted`, nobody who reads what is committed will ever see the records.
    fn abort(&self) -> End {
        loop {
            match self.sender.inner.abort_transaction(SLICE) {
                Ok(()) => return End::Aborted,
                Err(KafkaError::Transaction(error)) if !error.is_retriable() => {
                    tracing::debug!("a transaction could not be aborted: {error}");
                    return self.ended();
                }
                Err(error) => tracing::trace!("an abort is asked for again: {error}"),
            }
            if self.queue.is_closed() {
                return End::Unknown;
            }
        }
    }

    /// The producer is over; its last reports say which records were refused for a cause of their own.
    fn ended(&self) -> End {
        self.queue.set_broken();
        self.sender.inner.purge(PurgeConfig::default().queue().inflight());
        let until = Instant::now() + LAST_REPORTS;
        while !self.held.wait(SLICE) && !self.queue.is_closed() && Instant::now() < until {}
        End::Unknown
    }
}
