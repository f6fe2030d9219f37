//! What a journal holds of the ids that were acknowledged, read as an operator's tools read it.

use crate::Error;
use crate::ids::{Count, EventId, tally};
use footfall_delivery::journal::JournalReader;
use std::collections::HashMap;
use std::path::Path;
use uuid::Uuid;

/// Rows in one read.
const ROWS: usize = 2_000;

/// Counts how often each acknowledged id stands in the journal, by the header `ce_id`.
///
/// # Errors
/// [`Error::Journal`].
pub fn count_in_journal(data_dir: &Path, acknowledged: &[EventId]) -> Result<Count, Error> {
    let failed = |error: String| Error::Journal(error);
    let reader = JournalReader::open(data_dir).map_err(|error| failed(error.to_string()))?;
    let mut seen: HashMap<EventId, u32> = acknowledged.iter().map(|id| (*id, 0)).collect();
    let (mut after, mut read) = (0, 0);
    loop {
        let rows = reader.read_after(after, ROWS).map_err(|error| failed(error.to_string()))?;
        let Some(last) = rows.last() else { return Ok(tally(acknowledged, &seen, read)) };
        after = last.seq;
        read += rows.len() as u64;
        for row in &rows {
            let id = row.headers.iter().find(|header| header.name == "ce_id");
            let id = id.and_then(|header| Uuid::try_parse_ascii(&header.value).ok());
            if let Some(times) = id.and_then(|id| seen.get_mut(&id.as_u128())) {
                *times += 1;
            }
        }
    }
}
