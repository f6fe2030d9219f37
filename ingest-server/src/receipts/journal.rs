//! Ids that the journal has and the memory's file has not: of batches that were committed just before a kill.
//! The journal's rows carry the batch's id as a header, so its end is read, backwards and within bounds.

use footfall_delivery::OpenError;
use footfall_delivery::journal::{JournalReader, JournalRow, ReadError};
use std::path::Path;

/// How long before the journal's last row a commit is surely in the file: its requests were woken long ago.
const SETTLED_MS: i64 = 5_000;
/// Rows that are read at most.
const MAX_ROWS: i64 = 500_000;
/// Bytes of payload that are read at most; where this is not enough, the caller must take ids for lost.
const MAX_BYTES: usize = 128 << 20;
/// Rows in one step back.
const STEP: i64 = 500;

/// Why the journal's end could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum TailError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Hands over the site, the id and the time of each batch at the journal's end, newest first. Says whether that was
/// everything that may be missing.
pub(super) fn read_end(data_dir: &Path, mut batch: impl FnMut(&str, &str, i64)) -> Result<bool, TailError> {
    let reader = JournalReader::open(data_dir)?;
    let last = reader.last_seq()?;
    let (mut high, mut newest, mut bytes) = (last, i64::MIN, 0);
    while high > 0 {
        let low = (high - STEP).max(0);
        let mut oldest = i64::MAX;
        let mut after = low;
        while after < high {
            let rows = match reader.read_after(after, (high - after) as usize) {
                Ok(rows) => rows,
                // What is behind the damage can be read all the same; its own ids are lost.
                Err(error) => {
                    let Some((last, _)) = error.passes_over() else { return Err(error.into()) };
                    after = last;
                    continue;
                }
            };
            let Some(end) = rows.last() else { break };
            after = end.seq;
            for row in rows.iter().filter(|row| row.seq <= high) {
                bytes += row.payload.len();
                newest = newest.max(row.appended_at_ms);
                oldest = oldest.min(row.appended_at_ms);
                if let Some((write_key, batch_id)) = origin(row) {
                    batch(write_key, batch_id, row.appended_at_ms);
                }
            }
        }
        if oldest < newest.saturating_sub(SETTLED_MS) {
            return Ok(true);
        }
        if bytes > MAX_BYTES || last - low > MAX_ROWS {
            return Ok(false);
        }
        high = low;
    }
    Ok(true)
}

/// The site and the batch of a row.
fn origin(row: &JournalRow) -> Option<(&str, &str)> {
    let header = |name: &str| {
        let header = row.headers.iter().find(|header| header.name == name)?;
        str::from_utf8(&header.value).ok()
    };
    Some((header("ce_source")?.strip_prefix("/sites/")?, header("batch_id")?))
}
