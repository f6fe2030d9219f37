//! Load with numbers that can be checked: each key counts its own records, and whoever sends notes what was acknowledged.
//! Nothing is sent again: what is refused is refused, so that each copy in the topic is delivery's own doing.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use footfall_delivery::{Batch, Delivery, DeliveryError, Header, Readiness, Record, RecordOutcome, Stored};
use tokio::task::JoinHandle;

use super::readiness::{Outage, Sighting};

/// Senders, each with keys of its own and one batch under way.
const CALLERS: u64 = 8;
const KEYS: u64 = 3;
const BATCH: u64 = 5;

/// The pause of a sender between two batches: some 4,000 records a second together.
const PACE: Duration = Duration::from_millis(10);

/// How often it is looked whether it is ready.
const LOOK: Duration = Duration::from_millis(20);

/// A record's name: its key, and its number among those of the key.
pub(crate) type Id = (String, u64);

pub(crate) fn record(key: &str, number: u64) -> Record {
    Record {
        key: Some(key.to_owned().into()),
        headers: vec![Header::new("ce_id", format!("{key}/{number}")), Header::new("ce_type", "post_view")]
            .into(),
        payload: format!(r#"{{"event":"post_view","properties":{{"text":"{}"}}}}"#, "x".repeat(200)).into(),
        ..Record::default()
    }
}

/// Every third key's records go to a topic of their own where there is one; a key stays with its topic.
fn routed(key: &str, topic: Option<&Arc<str>>) -> Option<Arc<str>> {
    topic.filter(|_| key.ends_with("-2")).cloned()
}

/// What the senders saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// With the moment at which it was told.
    pub(crate) acknowledged: HashMap<Id, Instant>,
    pub(crate) in_journal: u64,
    pub(crate) refused: u64,
    pub(crate) refusals: std::collections::BTreeMap<&'static str, u64>,
    pub(crate) waits: Vec<Duration>,
    pub(crate) most_memory: usize,
    /// When batches were refused as a whole.
    pub(crate) refused_at: Vec<Instant>,
    /// What a probe was told.
    pub(crate) readiness: Vec<Sighting>,
    /// What it had to be told otherwise than that it is ready.
    pub(crate) outages: Vec<Outage>,
}

impl Seen {
    /// Both of two loads.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.acknowledged.extend(other.acknowledged);
        self.in_journal += other.in_journal;
        self.refused += other.refused;
        for (code, count) in other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
        self.waits.extend(other.waits);
        self.most_memory = self.most_memory.max(other.most_memory);
        self.refused_at.extend(other.refused_at);
        self.readiness.extend(other.readiness);
        self.outages.extend(other.outages);
        self
    }

    /// From when on something failed that was done at that moment: the first refusal.
    pub(crate) fn fails(&self, done: Instant) -> RangeInclusive<Instant> {
        let refused = self.refused_at.iter().filter(|at| **at >= done).min();
        done..=*refused.expect("something was refused")
    }

    /// From when on it works again after what was done at that moment: the first acknowledgement.
    pub(crate) fn works(&self, done: Instant) -> RangeInclusive<Instant> {
        let told = self.acknowledged.values().filter(|at| **at >= done).min();
        done..=*told.expect("something was acknowledged")
    }
}

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts the senders; `name` keeps their keys apart from those of another load.
    pub(crate) fn start(delivery: &Delivery, name: &str) -> Self {
        Self::start_telling(delivery, name, None, |_| ())
    }

    /// The same, with a topic that some of it is routed to; and tells what was acknowledged.
    pub(crate) fn start_telling(
        delivery: &Delivery,
        name: &str,
        route: Option<&str>,
        tell: fn(&[Id]),
    ) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let mut tasks: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let sender = send(
                    delivery.clone(),
                    format!("{name}-{caller}"),
                    route.map(Arc::from),
                    Arc::clone(&stop),
                    Arc::clone(&seen),
                    tell,
                );
                tokio::spawn(sender)
            })
            .collect();
        tasks.push(tokio::spawn(look(delivery.clone(), Arc::clone(&stop), Arc::clone(&seen))));
        Self { stop, seen, tasks }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.seen.lock().unwrap().acknowledged.len()
    }

    /// Goes on until the process is killed; tells when it is not ready.
    pub(crate) async fn forever(self, tell: fn(&str)) {
        let mut told = 0;
        loop {
            for seen in self.seen.lock().unwrap().readiness.iter().skip(told) {
                told += 1;
                seen.not_ready.as_deref().map(tell);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends the senders once each has its answer.
    pub(crate) async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn send(
    delivery: Delivery,
    name: String,
    route: Option<Arc<str>>,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    tell: fn(&[Id]),
) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let ids: Vec<Id> =
            (0..BATCH).map(|i| (format!("{name}-{}", (number + i) % KEYS), number + i)).collect();
        number += BATCH;
        let records = ids.iter().map(|(key, number)| {
            let topic = routed(key, route.as_ref());
            Record { topic, ..record(key, *number) }
        });
        let batch = Batch::new(records.collect());
        let asked = Instant::now();
        let answer = delivery.append(batch).await;
        {
            let mut seen = seen.lock().unwrap();
            seen.waits.push(asked.elapsed());
            match answer {
                Ok(receipt) => {
                    seen.in_journal += if receipt.stored == Stored::Journal { BATCH } else { 0 };
                    tell(&ids);
                    seen.acknowledged.extend(ids.into_iter().map(|id| (id, Instant::now())));
                }
                Err(error) => {
                    *seen.refusals.entry(error.code()).or_default() += 1;
                    let outcomes = match error {
                        DeliveryError::Partial { outcomes } => outcomes,
                        _ => {
                            seen.refused_at.push(Instant::now());
                            Vec::new()
                        }
                    };
                    for (place, id) in ids.into_iter().enumerate() {
                        match outcomes.get(place) {
                            Some(RecordOutcome::Stored(_) | RecordOutcome::Journaled) => {
                                seen.acknowledged.insert(id, Instant::now());
                            }
                            _ => seen.refused += 1,
                        }
                    }
                }
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Looks at readiness and memory, as a probe would.
async fn look(delivery: Delivery, stop: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    while !stop.load(Ordering::Relaxed) {
        let (readiness, stats) = (delivery.readiness(), delivery.stats());
        {
            let mut seen = seen.lock().unwrap();
            seen.most_memory = seen.most_memory.max(stats.memory_bytes);
            let now = Instant::now();
            let not_ready = match readiness {
                Readiness::NotReady { reason } => Some(reason),
                Readiness::Ready => None,
            };
            match seen.readiness.last_mut().filter(|last| last.not_ready == not_ready) {
                Some(last) => last.last = now,
                None => seen.readiness.push(Sighting { first: now, last: now, not_ready }),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
