//! `footfall replay --to-kafka`: sends the journal's events to the Kafka of the settings, in order, at a bounded rate.
//! A server may be running beside it; nothing is deleted here, and whoever repeats it sends the same `ce_id`s.

use super::pages::Pages;
use super::{Moment, Selection};
use crate::cli::Said;
use crate::commands::{CommandError, settings, wait_for};
use crate::encode::topic_of_record;
use crate::format::RecordFormat;
use crate::settings::KafkaRoute;
use footfall_delivery::journal::JournalRow;
use footfall_delivery::{Priority, Record, RecordOutcome, Replayer};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How long Kafka may take for one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// What is sent, and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Which events.
    pub selection: Selection,
    /// At most this many.
    pub limit: Option<u64>,
    /// Events a second.
    pub rate: NonZeroU32,
}

/// Sends the events.
///
/// # Errors
/// [`CommandError`] where no Kafka is set, it does not take the events, or some had to be left out.
pub fn replay(said: Said, replay: Replay) -> Result<(), CommandError> {
    let (settings, _) = settings(said)?;
    let Some(kafka) = &settings.delivery.kafka else {
        let words = "no Kafka is set: name the brokers, such as --kafka-brokers kafka-1:9092";
        return Err(CommandError::Replay(words.to_owned()));
    };
    let mut pages = Pages::open(&settings.delivery.data_dir, &replay.selection)?;
    let kafka_topic = &kafka.topic;
    let format = wait_for(RecordFormat::open(&settings))??;
    let replayer = Replayer::open(kafka)?;
    // Ten pages a second at most, so that the rate is even.
    let page = (replay.rate.get() as usize / 10).clamp(1, 1_000);
    let (mut sent, mut refused, started) = (0_u64, 0_u64, Instant::now());
    let limit = replay.limit.unwrap_or(u64::MAX);
    while sent + refused < limit
        && let Some(mut rows) = pages.next(page)?
    {
        rows.retain(|row| replay.selection.takes(&row.payload));
        rows.truncate(usize::try_from(limit - sent - refused).unwrap_or(usize::MAX));
        let Some(first) = rows.first() else { continue };
        let from = Moment(first.appended_at_ms);
        let stopped = |sent: u64, reason: String| {
            CommandError::Replay(format!(
                "{sent} events were sent to {kafka_topic}, then: {reason}. To go on: --since {from}; what is sent twice has \
                 the same ce_id"
            ))
        };
        let mut records = Vec::with_capacity(rows.len());
        rows.retain(|row| {
            let mut record = record(row, &settings.kafka_routes);
            let given = format.give(std::slice::from_mut(&mut record), std::iter::once(None));
            match &given {
                Ok(()) => records.push(record),
                Err(error) => {
                    refused += 1;
                    eprintln!("footfall: row {} is left out: {error}", row.seq);
                }
            }
            given.is_ok()
        });
        let outcomes =
            replayer.send(&records, PAGE_TIMEOUT).map_err(|error| stopped(sent, error.to_string()))?;
        let mut outage = None;
        for (row, outcome) in rows.iter().zip(outcomes) {
            match outcome {
                RecordOutcome::Failed(failure) if failure.retry => {
                    outage.get_or_insert(failure.reason);
                }
                RecordOutcome::Failed(failure) => {
                    refused += 1;
                    eprintln!(
                        "footfall: row {} is refused for good and left out: {}",
                        row.seq, failure.reason
                    );
                }
                RecordOutcome::Stored(_) | RecordOutcome::Journaled => sent += 1,
            }
        }
        if let Some(reason) = outage {
            return Err(stopped(sent, reason));
        }
        pages.tell("sent", sent);
        let due = Duration::from_secs_f64((sent + refused) as f64 / f64::from(replay.rate.get()));
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    eprintln!(
        "footfall: {sent} events sent to {kafka_topic}. The journal keeps them; sent again they have the same ce_id, by which \
         consumers tell copies"
    );
    match refused + pages.damaged {
        0 => Ok(()),
        left_out => Err(CommandError::Replay(format!("{left_out} rows are left out, for the reasons above"))),
    }
}

/// The record as a server would produce it today: to the topic that the settings' rules name.
fn record(row: &JournalRow, routes: &[KafkaRoute]) -> Record {
    Record {
        topic: topic_of_record(routes, &row.payload),
        key: row.key.clone(),
        headers: row.headers.clone().into(),
        payload: row.payload.clone(),
        priority: Priority::Normal,
    }
}
