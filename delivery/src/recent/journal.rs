//! The journal's part: events that stay, and rows that wait for Kafka, each page by page from the newest back.
//! A damaged page of the events costs its own rows. One of the rows for Kafka ends their reading: those before it are left
//! out. Either is said.

use std::path::Path;

use super::Reading;
use crate::error::OpenError;
use crate::headers::Header;
use crate::journal::{JournalReader, OutboxError, OutboxReader, ReadError};
use crate::record::Stream;

/// Rows of one page.
const PAGE: i64 = 1_000;
const PAGE_BYTES: usize = 8 << 20;

pub(super) fn read(data_dir: &Path, reading: &mut Reading, visit: &mut impl FnMut(&[Header], i64)) {
    match JournalReader::open(data_dir) {
        Ok(reader) => {
            if let Err(error) = events(&reader, reading, visit) {
                reading.left_out(error.to_string());
            }
        }
        // A delivery that keeps no journal has none to read.
        Err(OpenError::NoJournal { .. }) => return,
        Err(error) => reading.left_out(error.to_string()),
    }
    if let Err(error) = OutboxReader::open(data_dir).and_then(|reader| outbox(&reader, reading, visit)) {
        let (OutboxError::DamagedRow { reason, .. }
        | OutboxError::DamagedPage(reason)
        | OutboxError::Io(reason)) = error;
        reading.left_out(format!("rows of the journal that wait for Kafka: {reason}"));
    }
}

fn events(
    reader: &JournalReader,
    reading: &mut Reading,
    visit: &mut impl FnMut(&[Header], i64),
) -> Result<(), ReadError> {
    let first = reader.seq_at(reading.limits.since_ms)?;
    let mut end = reader.last_seq()?;
    while end >= first {
        if let Some(limit) = reading.limit() {
            reading.left_out(format!("events of the journal before row {}: {limit}", end + 1));
            return Ok(());
        }
        let begin = (end - PAGE + 1).max(first);
        let mut after = begin - 1;
        while after < end {
            match reader.read_after(after, (end - after) as usize) {
                Ok(rows) => {
                    let Some(last) = rows.last() else { break };
                    after = last.seq;
                    for row in rows.iter().filter(|row| row.seq <= end) {
                        reading.count();
                        visit(&row.headers, row.appended_at_ms);
                    }
                }
                Err(error) => {
                    let Some((last, _)) = error.passes_over() else { return Err(error) };
                    reading.left_out(error.to_string());
                    after = last;
                }
            }
        }
        end = begin - 1;
    }
    Ok(())
}

/// They are known however old they are: none of them is in Kafka yet.
fn outbox(
    reader: &OutboxReader,
    reading: &mut Reading,
    visit: &mut impl FnMut(&[Header], i64),
) -> Result<(), OutboxError> {
    let Some((first, mut end)) = reader.ends()? else { return Ok(()) };
    while end >= first {
        if let Some(limit) = reading.limit() {
            reading
                .left_out(format!("rows of the journal that wait for Kafka before row {}: {limit}", end + 1));
            return Ok(());
        }
        let begin = (end - PAGE + 1).max(first);
        let mut next = begin;
        while next <= end {
            match reader.read(&(next..=end), PAGE as usize, PAGE_BYTES) {
                Ok(rows) => {
                    let Some(last) = rows.last() else { break };
                    next = last.seq + 1;
                    for mut row in rows.into_iter().filter(|row| row.stream == Stream::Events) {
                        reading.count();
                        visit(row.record.headers.to_mut(), row.appended_at_ms);
                    }
                }
                Err(OutboxError::DamagedRow { seq, reason }) => {
                    reading.left_out(format!(
                        "row {seq} of the journal that waits for Kafka is damaged: {reason}"
                    ));
                    next = seq + 1;
                }
                Err(error) => return Err(error),
            }
        }
        end = begin - 1;
    }
    Ok(())
}
