//! What stands in the topic and in the journal in the end, held against what was acknowledged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use footfall_delivery::{Delivery, DeliveryStats, KafkaSettings, KafkaState, TopicReader};

use super::load::{Id, Seen};
use super::readiness;
use super::row::is_at_most_once;

/// How long what waits may take to reach Kafka once everything works.
const DRAIN_DEADLINE: Duration = Duration::from_secs(60);

const TOO_LONG: &str = "a request waited 3 s or longer";

#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) name: String,
    pub(crate) acknowledged: usize,
    pub(crate) in_journal: u64,
    pub(crate) refused: u64,
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) out_of_order: usize,
    pub(crate) longest_wait: Duration,
    pub(crate) p99_wait: Duration,
    pub(crate) not_ready: Duration,
    /// What a probe was told and should not have been.
    pub(crate) wrong_readiness: Vec<String>,
    pub(crate) most_memory: usize,
    pub(crate) stats: DeliveryStats,
    pub(crate) problems: Vec<String>,
    /// Why nothing was tried.
    pub(crate) skipped: Option<&'static str>,
    /// The whole row, with the brokers that it had to start.
    pub(crate) took: Duration,
}

/// Waits until every row is in Kafka and the state is healthy.
pub(crate) async fn wait_until_drained(delivery: &Delivery) -> bool {
    let begun = std::time::Instant::now();
    while begun.elapsed() < DRAIN_DEADLINE {
        let kafka = delivery.stats().kafka.unwrap();
        if kafka.waiting_rows == 0 && kafka.state == KafkaState::Healthy {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("not drained: {:?}, {:?}", delivery.stats(), delivery.readiness());
    false
}

/// Every id in the topic, in the order of its offsets.
pub(crate) fn read_topic(brokers: &str, topic: &str) -> Vec<Id> {
    let settings = KafkaSettings { topic: topic.to_owned(), ..KafkaSettings::new([brokers]) };
    let mut reader = TopicReader::open(&settings, topic).unwrap();
    let mut ids = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let id = record.headers.iter().find(|header| header.name == "ce_id").unwrap();
        let id = str::from_utf8(&id.value).unwrap();
        let (key, number) = id.rsplit_once('/').unwrap();
        ids.push((key.to_owned(), number.parse().unwrap()));
    }
    ids
}

impl Verdict {
    pub(crate) fn of(name: &str, topic: &[Id], seen: Seen, stats: DeliveryStats) -> Self {
        let mut found = HashSet::new();
        let (mut duplicates, mut out_of_order) = (0, 0);
        let mut last: HashMap<&str, u64> = HashMap::new();
        for id in topic {
            if !found.insert(id) {
                duplicates += 1;
                continue;
            }
            let before = last.insert(&id.0, id.1);
            out_of_order += usize::from(before.is_some_and(|before| before > id.1));
        }
        let lost = seen.acknowledged.keys().filter(|id| !found.contains(id)).count();
        let mut waits = seen.waits;
        waits.sort_unstable();
        Self {
            name: name.to_owned(),
            acknowledged: seen.acknowledged.len(),
            in_journal: seen.in_journal,
            refused: seen.refused,
            refusals: seen.refusals,
            lost,
            duplicates,
            out_of_order,
            longest_wait: waits.last().copied().unwrap_or_default(),
            p99_wait: waits.get(waits.len() * 99 / 100).copied().unwrap_or_default(),
            not_ready: readiness::not_ready(&seen.readiness),
            wrong_readiness: readiness::wrong(&seen.readiness, &seen.outages),
            most_memory: seen.most_memory,
            stats,
            problems: Vec::new(),
            skipped: None,
            took: Duration::ZERO,
        }
    }

    /// A row that another process has printed.
    pub(crate) fn told_by_another_process(name: &str) -> Self {
        Self::of(name, &[], Seen::default(), DeliveryStats::default())
    }

    /// A row that this machine cannot run.
    pub(crate) fn skipped(name: &str, why: &'static str) -> Self {
        Self { skipped: Some(why), ..Self::told_by_another_process(name) }
    }

    /// A row that came to no end.
    pub(crate) fn failed(name: &str, why: &str) -> Self {
        let mut verdict = Self::told_by_another_process(name);
        verdict.expect(false, why);
        verdict
    }

    /// Notes what is not as it must be.
    pub(crate) fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.problems.push(what.to_owned());
        }
    }

    /// What every fault must leave: nothing lost but what is counted where the guarantee allows it, order held, no copies
    /// but counted ones, no long wait, and readiness that is right within 3 s.
    pub(crate) fn hold_to_the_promise(&mut self, memory_max_bytes: usize) {
        let kafka = self.stats.kafka.unwrap_or_default();
        let (counted, counted_lost) = (kafka.possible_duplicates, kafka.lost_records);
        self.expect(self.acknowledged > 500, "too little was acknowledged to prove anything");
        if is_at_most_once() {
            self.expect(
                self.lost as u64 <= counted_lost,
                &format!("more are lost than the {counted_lost} counted ones"),
            );
        } else {
            self.expect(self.lost == 0, "acknowledged events are lost");
            self.expect(counted_lost == 0, "some are counted as lost");
        }
        // Only at-most-once gives a record up that a broker may have: read from a connection that has ended, it may come behind
        // those that were sent by the next one. It is counted as lost and is there.
        let given_up_and_there = counted_lost.saturating_sub(self.lost as u64);
        self.expect(self.out_of_order as u64 <= given_up_and_there, "events of a key are out of order");
        self.expect(self.duplicates as u64 <= counted, "duplicates that were not counted");
        self.expect(self.longest_wait < Duration::from_secs(3), TOO_LONG);
        self.expect(self.most_memory <= memory_max_bytes, "memory beyond its bound");
        self.problems.append(&mut self.wrong_readiness);
    }

    /// Whether nothing is wrong but how long somebody waited, which a machine that stands still for a moment does, too.
    pub(crate) fn is_only_slow(&self) -> bool {
        self.problems == [TOO_LONG]
    }
}

pub(crate) const HEADING: &str = "fault                                     acked  by journal  refused  lost  twice  \
                                  (counted)  disorder  longest    p99  not ready  drained    late   took";

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = self.skipped {
            return write!(f, "{:<40} SKIPPED: {why}", self.name);
        }
        let kafka = self.stats.kafka.unwrap_or_default();
        write!(
            f,
            "{:<40} {:>7} {:>11} {:>8} {:>5} {:>6} {:>10} {:>9} {:>6} ms {:>3} ms {:>7} ms {:>8} {:>7} {:>4} s",
            self.name,
            self.acknowledged,
            self.in_journal,
            self.refused,
            self.lost,
            self.duplicates,
            kafka.possible_duplicates,
            self.out_of_order,
            self.longest_wait.as_millis(),
            self.p99_wait.as_millis(),
            self.not_ready.as_millis(),
            kafka.drained_records,
            kafka.late_acknowledgements,
            self.took.as_secs(),
        )?;
        if kafka.lost_records > 0 {
            write!(f, "\n    {} counted as lost", kafka.lost_records)?;
        }
        if !self.refusals.is_empty() {
            write!(f, "\n    refused: {:?}", self.refusals)?;
        }
        for problem in &self.problems {
            write!(f, "\n    WRONG: {problem}")?;
        }
        Ok(())
    }
}

/// How many rows the journal holds, by the view that operators use.
pub(crate) fn rows(directory: &Path) -> i64 {
    let connection = rusqlite::Connection::open_with_flags(
        directory.join(footfall_delivery::journal::JOURNAL_FILE),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    connection.query_row("SELECT count(*) FROM readable_outbox", [], |row| row.get(0)).unwrap()
}
