//! Looks whether Kafka is usable: at the pace of an outage while it is away, now and then while it is healthy.
//! Before the first record is handed over it learns where the topic ends, and what of an earlier process stands there.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::gate::Shared;
use super::phase::KafkaState;
use super::reconcile::reconcile;
use crate::journal::Job;
use crate::kafka::{Found, HEALTHY_INTERVAL, Probe, take_over_files};
use crate::pace::Pace;

/// How long the journal may take to keep the offsets.
const KEEP_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Watch {
    shared: Arc<Shared>,
    data_dir: PathBuf,
    probe: Probe,
    /// Rows that may stand in the topic already.
    doubtful: Option<RangeInclusive<i64>>,
    /// Whether the topic's end is known.
    connected: bool,
    /// The producer ended for good, and the one that took its place has sent nothing yet.
    replaced: bool,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, data_dir: PathBuf, doubtful: Option<RangeInclusive<i64>>) -> Self {
        let probe = Probe::new(shared.kafka.clone());
        Self { shared, data_dir, probe, doubtful, connected: false, replaced: false }
    }

    pub(super) fn run(mut self) {
        let mut pace = Pace::default();
        // Kafka was found usable and has acknowledged nothing since.
        let mut in_vain = false;
        loop {
            let (state, proven) = {
                let core = self.shared.books.core();
                (core.phase.state(), core.phase.is_proven())
            };
            if state == KafkaState::Away && std::mem::take(&mut in_vain) {
                // Its word alone does not count again at once.
                if !self.shared.books.look.wait(pace.next_wait()) {
                    return;
                }
                continue;
            }
            let looked = match state {
                KafkaState::Recovering if !proven => Ok(()),
                KafkaState::Away => {
                    self.take_over_files().and_then(|()| self.look()).and_then(|()| self.connect())
                }
                _ => self.look(),
            };
            if self.shared.books.look.is_stopped() {
                return;
            }
            let wait = match (state, looked) {
                (KafkaState::Away, Ok(())) => {
                    self.found();
                    in_vain = true;
                    HEALTHY_INTERVAL
                }
                (KafkaState::Away, Err(reason)) => {
                    self.shared.set_cause(reason.clone());
                    tracing::debug!("Kafka is still away: {reason}");
                    pace.next_wait()
                }
                (_, Ok(())) => {
                    if proven || state == KafkaState::Healthy {
                        in_vain = false;
                        pace.reset();
                        // What was said of an outage that is over explains none that comes later.
                        self.shared.books.forget_error();
                    }
                    HEALTHY_INTERVAL
                }
                (_, Err(reason)) => {
                    let silent = self.shared.books.core().phase.silent_for(self.shared.books.now());
                    if silent >= HEALTHY_INTERVAL {
                        self.shared.open(&reason);
                    }
                    pace.next_wait()
                }
            };
            if !self.shared.books.look.wait(wait) {
                return;
            }
        }
    }

    fn look(&self) -> Result<(), String> {
        let producer = Arc::clone(&self.shared.producing());
        self.probe.look(&producer, self.shared.books.last_error())
    }

    fn take_over_files(&mut self) -> Result<(), String> {
        let is_outdated = self.shared.producing().is_outdated(&self.shared.kafka);
        let batch_bytes = self.shared.books.core().batch_bytes;
        if take_over_files(is_outdated, || self.shared.renew(Some(batch_bytes)))? {
            self.shared.books.forget_error();
            (self.connected, self.doubtful) = (false, Some(1..=i64::MAX));
        }
        Ok(())
    }

    fn found(&self) {
        let books = &self.shared.books;
        if let Some(transactions) = self.shared.producing().transactions() {
            transactions.resume();
        }
        let (lasted, rows) = {
            let mut core = books.core();
            let now = books.now();
            let told = (core.phase.lasted(now), core.rows.waiting());
            core.found(now);
            told
        };
        if rows > 0 {
            tracing::info!(
                "Kafka answers after {:.1} s: {} rows of the journal go to it, oldest first",
                lasted.as_secs_f64(),
                rows
            );
        }
        books.drain.set();
    }

    /// What must be known before anything is handed over; done once, and again where the producer must be made anew.
    fn connect(&mut self) -> Result<(), String> {
        let producer = Arc::clone(&self.shared.producing());
        let (held, too_large, batch_bytes, doubt) = {
            let core = self.shared.books.core();
            (core.in_flight(), core.batches_too_large, core.batch_bytes, core.doubt())
        };
        if let Some(words) = producer.fatal_error() {
            tracing::warn!("the Kafka producer has ended and is made anew: {words}");
            drop(producer);
            self.renew(batch_bytes)?;
            self.replaced = true;
            return Err("the producer before has not reported all that it held".to_owned());
        }
        if (self.replaced || too_large) && held > 0 {
            return Err("the producer before has not reported all that it held".to_owned());
        }
        if doubt.is_none() {
            return Err("what the producer gave up is being copied to the journal".to_owned());
        }
        let first = !self.connected;
        if !first && !self.replaced && !too_large {
            return if doubt == Some(true) { self.look_for_given_up() } else { Ok(()) };
        }
        self.connected = false;
        if !first {
            self.doubtful = Some(1..=i64::MAX);
        }
        let topics = self.shared.kafka.event_topics();
        let found = topics.iter().map(|topic| Ok((*topic, self.probe.find(&producer, topic)?)));
        let found = found.collect::<Result<Vec<(&str, Found)>, String>>()?;
        // A producer whose batches a topic would refuse is replaced before it sends one.
        let now = producer.batch_max_bytes();
        let bound = match found.iter().filter_map(|(_, found)| found.max_message_bytes).min() {
            Some(bound) if bound < now => bound,
            _ if too_large => now / 2,
            _ => now,
        };
        drop(producer);
        if bound < now {
            tracing::info!("the topics take batches of at most {bound} bytes: none is made larger");
            self.renew(bound)?;
        }
        let producer = Arc::clone(&self.shared.producing());
        let compacted = found.iter().filter(|(_, found)| found.is_compacted);
        producer.note_compacted(&compacted.map(|(topic, _)| *topic).collect::<Vec<_>>());
        // What an earlier process left open is settled before it is looked for.
        producer.transactions().map_or(Ok(()), |transactions| transactions.initialise())?;
        self.shared.books.core().batches_too_large = false;
        if let Some(rows) = self.doubtful.clone() {
            self.shared.books.core().resolve_doubt();
            reconcile(&self.shared, &self.data_dir, rows, first)?;
            self.doubtful = None;
        }
        // The producer holds nothing, so what comes is stored behind these.
        {
            let mut core = self.shared.books.core();
            for (topic, Found { ends, .. }) in found {
                let routed = (topic != self.shared.kafka.topic).then(|| Arc::from(topic));
                core.offsets.reset(routed.as_ref(), &ends);
            }
        }
        self.keep_offsets()?;
        (self.connected, self.replaced) = (true, false);
        Ok(())
    }

    /// Some of what the producer gave up may stand in the topic; the rest of what it holds is none of this.
    fn look_for_given_up(&self) -> Result<(), String> {
        self.shared.books.core().resolve_doubt();
        let looked = reconcile(&self.shared, &self.data_dir, 1..=i64::MAX, false);
        let mut core = self.shared.books.core();
        match looked {
            Ok(()) => core.resolved(),
            Err(_) => core.doubt_again(),
        }
        looked
    }

    fn renew(&self, batch_bytes: usize) -> Result<(), String> {
        self.shared.renew(Some(batch_bytes)).map_err(|error| error.to_string())
    }

    /// No row may be handed over before it is known from where on to look for it.
    fn keep_offsets(&self) -> Result<(), String> {
        let books = &self.shared.books;
        if books.core().rows.waiting() == 0 {
            // With the first row, in the same transaction.
            return Ok(());
        }
        let (kept, is_kept) = channel();
        books.push(Job::KeepOffsets(kept));
        match is_kept.recv_timeout(KEEP_WAIT) {
            Ok(true) => Ok(()),
            _ => Err("the journal cannot keep how far Kafka has acknowledged".to_owned()),
        }
    }
}
