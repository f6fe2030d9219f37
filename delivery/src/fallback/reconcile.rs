//! After a crash, rows may stand in the topic already: it is read from the last acknowledged offset on, and what is found
//! there by its `ce_id` is not sent again.
//! A row without a `ce_id` cannot be told apart: it is sent again, and counted.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};

use super::gate::Shared;
use crate::journal::{OutboxError, OutboxReader, OutboxRow, Topics};
use crate::kafka::Tail;

/// How long what the process before had sent may take to arrive at a broker that has just come back.
const ARRIVING: Duration = Duration::from_secs(1);

/// Rows of one read.
const READ_ROWS: usize = 5_000;
const READ_BYTES: usize = 8 << 20;

/// Marks the rows of this range as delivered that the topic holds behind the last offsets that were acknowledged.
///
/// `count_without_id`: whether rows without a `ce_id` are counted as possible duplicates, which those of this process were.
///
/// # Errors
///
/// What could not be read, in words; nothing may be handed over before it could.
pub(super) fn reconcile(
    shared: &Shared,
    data_dir: &Path,
    rows: RangeInclusive<i64>,
    count_without_id: bool,
) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < ARRIVING {
        // New batches go to the journal meanwhile.
        if !shared.books.look.wait(ARRIVING.saturating_sub(begun.elapsed())) {
            return Err("the delivery is closed".to_owned());
        }
    }
    let rows = *rows.start()..=(*rows.end()).min(shared.books.core().rows.last());
    let reader = OutboxReader::open(data_dir).map_err(words)?;
    let offsets = reader.kept_offsets().map_err(words)?;
    let mut doubtful = Doubtful::new(shared.kafka.topic.clone(), shared.kafka.dead_letter_topic());
    doubtful.read(&reader, rows)?;
    let (mut read, mut found) = (0, 0);
    for (topic, ids) in &mut doubtful.topics {
        // Without an offset nothing was ever handed to a producer.
        let Some(known) = offsets.get(topic) else { continue };
        let mut tail = Tail::open(&shared.kafka, topic, known)?;
        let mut delivered = Vec::new();
        read += tail.read(|id| delivered.extend(ids.remove(id)))?;
        found += delivered.len();
        let mut core = shared.books.core();
        for seq in delivered {
            // A row that was acknowledged meanwhile is only waiting to be deleted.
            if core.rows.is_wanted(seq) {
                core.rows.delivered(seq);
            }
        }
    }
    if count_without_id && !offsets.is_empty() {
        shared.books.core().totals.possible_duplicates += doubtful.without_id;
    }
    shared.books.journal.tidy_soon();
    tracing::info!(
        "looked for rows of the journal in {read} records of Kafka: {found} were there already, found in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn words(error: OutboxError) -> String {
    match error {
        OutboxError::DamagedRow { reason, .. } => reason,
        OutboxError::DamagedPage(reason) | OutboxError::Io(reason) => reason,
    }
}

/// Ids of rows, by two hashes each: 128 bits, so that no event is taken for another one.
struct Ids {
    hashers: [RandomState; 2],
    rows: HashMap<(u64, u64), i64>,
}

impl Ids {
    fn new() -> Self {
        Self { hashers: [RandomState::new(), RandomState::new()], rows: HashMap::new() }
    }

    fn hash(&self, id: &[u8]) -> (u64, u64) {
        (self.hashers[0].hash_one(id), self.hashers[1].hash_one(id))
    }

    fn insert(&mut self, id: &[u8], seq: i64) {
        self.rows.insert(self.hash(id), seq);
    }

    fn remove(&mut self, id: &[u8]) -> Option<i64> {
        let hash = self.hash(id);
        self.rows.remove(&hash)
    }
}

/// The rows by topic and id. Their number is bounded by that of the journal's rows: about 40 bytes for each.
struct Doubtful {
    /// Where rows go that name no topic.
    defaults: Topics,
    topics: BTreeMap<String, Ids>,
    without_id: u64,
}

impl Doubtful {
    fn new(events: String, dead_letters: String) -> Self {
        Self { defaults: Topics { events, dead_letters }, topics: BTreeMap::new(), without_id: 0 }
    }

    fn read(&mut self, reader: &OutboxReader, rows: RangeInclusive<i64>) -> Result<(), String> {
        let (mut next, last) = rows.into_inner();
        while next <= last {
            match reader.read(&(next..=last), READ_ROWS, READ_BYTES) {
                Ok(read) => {
                    let Some(end) = read.last().map(|row| row.seq) else { break };
                    read.iter().for_each(|row| self.add(row));
                    next = end + 1;
                }
                // The drain sets it aside.
                Err(OutboxError::DamagedRow { seq, .. }) => next = seq + 1,
                // What can be read is read by the drain, row by row; what is sent twice is told by its id.
                Err(OutboxError::DamagedPage(_)) => {
                    let one = reader.read(&(next..=next), 1, READ_BYTES);
                    one.into_iter().flatten().for_each(|row| self.add(&row));
                    next += 1;
                }
                Err(error) => return Err(words(error)),
            }
        }
        Ok(())
    }

    fn add(&mut self, row: &OutboxRow) {
        match row.record.headers.iter().find(|header| header.name == "ce_id") {
            Some(id) => {
                let topic = row.record.topic.as_deref().unwrap_or(self.defaults.of(row.stream));
                let ids = match self.topics.get_mut(topic) {
                    Some(ids) => ids,
                    None => self.topics.entry(topic.to_owned()).or_insert_with(Ids::new),
                };
                ids.insert(id.value, row.seq);
            }
            None => self.without_id += 1,
        }
    }
}
