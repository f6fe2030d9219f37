//! Event ids by the hundred thousand: kept as numbers, made as UUID v7, counted where they stand in a topic.
//! Which ids are expected is left to the caller.

use crate::Error;
use crate::topic::{Deadline, End, Range, TopicReader};
use rdkafka::Message;
use rdkafka::message::Headers;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::ControlFlow;
use uuid::Uuid;

/// An event id, 16 bytes instead of 36.
pub type EventId = u128;

/// A new id of that time (Unix milliseconds), random otherwise.
pub fn new_id(unix_ms: u64, random: &mut fastrand::Rng) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &bytes).into_uuid()
}

/// What a topic holds of the ids that were acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Ids that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged ids that are not in the topic.
    pub missing: u64,
    /// Acknowledged ids that are there more than once.
    pub stored_twice: u64,
    /// Records read in all.
    pub records_read: u64,
}

/// Counts how often each acknowledged id stands in the ranges of the topic, by the header `ce_id`.
///
/// # Errors
/// As [`TopicReader::read`].
pub fn count_in_topic(
    reader: &TopicReader,
    ranges: &[Range],
    acknowledged: &[EventId],
    deadline: Deadline,
) -> Result<Count, Error> {
    let mut seen: HashMap<EventId, u32> = acknowledged.iter().map(|id| (*id, 0)).collect();
    let records_read = reader.read(ranges, End::OfRanges, Some(deadline), |message| {
        if let Some(times) = header_id(message).and_then(|id| seen.get_mut(&id)) {
            *times += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(tally(acknowledged, &seen, records_read))
}

pub(crate) fn tally(acknowledged: &[EventId], seen: &HashMap<EventId, u32>, records_read: u64) -> Count {
    let times = |wanted: fn(u32) -> bool| seen.values().filter(|times| wanted(**times)).count() as u64;
    Count {
        acknowledged: acknowledged.len() as u64,
        missing: times(|times| times == 0),
        stored_twice: times(|times| times > 1),
        records_read,
    }
}

fn header_id(message: &impl Message) -> Option<EventId> {
    let header = message.headers()?.iter().find(|header| header.key == "ce_id")?;
    Uuid::try_parse_ascii(header.value?).ok().map(|id| id.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_id_and_one_stored_twice_are_both_seen() {
        let seen = HashMap::from([(1, 1), (2, 0), (3, 2)]);
        let count = tally(&[1, 2, 3], &seen, 3);
        assert_eq!(count, Count { acknowledged: 3, missing: 1, stored_twice: 1, records_read: 3 });
    }

    #[test]
    fn an_id_tells_its_time_and_is_never_the_same_again() {
        let mut random = fastrand::Rng::new();
        let first = new_id(0x0123_4567_89ab, &mut random);
        assert!(first.to_string().starts_with("01234567-89ab-7"), "{first}");
        assert_ne!(first, new_id(0x0123_4567_89ab, &mut random));
    }
}
