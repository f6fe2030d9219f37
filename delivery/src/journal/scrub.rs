//! Reads the whole journal once after a start, slowly and beside the writer, where the journal is the store: what is damaged is
//! told while it is a few rows, and not when somebody exports them. Rows on their way to Kafka are read by the drain.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::damaged::Table;
use super::job::Job;
use super::queue::Queue;
use super::reader::{JournalReader, ReadError};
use super::sink::JournalCounters;
use crate::fallback::Signal;

/// Rows of one read, which is short.
const ROWS: usize = 500;

/// It works a quarter of the time: 1 GiB takes about a minute, and nobody waits for the disk because of it.
const REST: u32 = 3;

/// Rows that have a line of their own in the log.
const TOLD: u64 = 10;

pub(super) struct Scrub {
    pub(super) queue: Arc<Queue>,
    pub(super) counters: Arc<JournalCounters>,
    pub(super) stop: Arc<Signal>,
}

impl Scrub {
    pub(super) fn run(&self, data_dir: &Path) {
        let Ok(mut reader) = JournalReader::open(data_dir) else { return };
        let mut damaged = 0;
        for table in [Table::Events, Table::DeadLetters] {
            if self.table(&mut reader, table, &mut damaged).is_break() {
                break;
            }
        }
        if damaged > 0 {
            tracing::error!(
                rows = damaged,
                "rows of the journal are damaged: those that can be read stand in its table damaged_rows"
            );
        }
    }

    fn table(&self, reader: &mut JournalReader, table: Table, damaged: &mut u64) -> ControlFlow<()> {
        // What was before the first row is deleted and not damaged; how many numbers that is, says nothing.
        let mut after = match reader.first_of(table.name()) {
            Ok(first) => (first - 1).max(0),
            Err(error) => {
                tracing::warn!("the journal is not looked through for damage: {error}");
                return ControlFlow::Break(());
            }
        };
        loop {
            let begun = Instant::now();
            let read = match table {
                Table::DeadLetters => reader.read_dead_letters_after(after, ROWS),
                Table::Events | Table::Outbox => reader.read_after(after, ROWS),
            };
            match read {
                Ok(rows) => match rows.last() {
                    Some(last) => after = last.seq,
                    None => return ControlFlow::Continue(()),
                },
                Err(error) => {
                    let Some((last, rows)) = error.passes_over() else {
                        tracing::warn!("the journal is not looked through for damage: {error}");
                        return ControlFlow::Break(());
                    };
                    after = last;
                    self.found(table, error, rows, *damaged < TOLD)?;
                    *damaged += rows;
                }
            }
            if !self.stop.wait(begun.elapsed() * REST + Duration::from_millis(1)) {
                return ControlFlow::Break(());
            }
            reader.follow();
        }
    }

    fn found(&self, table: Table, error: ReadError, rows: u64, is_told: bool) -> ControlFlow<()> {
        if is_told {
            tracing::error!(table = table.name(), "{error}");
        }
        if let ReadError::DamagedRow { seq, reason, .. } = error {
            if self.queue.push(Job::SetAsideDamaged { table, seq, reason }).is_err() {
                return ControlFlow::Break(());
            }
        } else {
            self.counters.unreadable_rows.add(usize::try_from(rows).unwrap_or(usize::MAX));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::delivery::Delivery;
    use crate::journal::journal_path;
    use crate::journal::queue::Work;
    use crate::record::{Batch, Record};
    use crate::settings::DeliverySettings;

    #[tokio::test]
    async fn a_damaged_row_is_no_row_that_was_set_aside_until_that_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let delivery = Delivery::open(DeliverySettings::new(directory.path())).unwrap();
        delivery.append(Batch::new(vec![Record::default(); 3])).await.unwrap();
        drop(delivery);
        let damaging = "UPDATE events SET payload = x'00' WHERE seq = 2";
        Connection::open(journal_path(directory.path())).unwrap().execute_batch(damaging).unwrap();
        let (queue, counters) = (Arc::new(Queue::default()), Arc::new(JournalCounters::default()));
        Scrub { queue: Arc::clone(&queue), counters: Arc::clone(&counters), stop: Arc::default() }
            .run(directory.path());
        let Work::Group(found) = queue.take(usize::MAX, None) else { panic!("nothing was found") };
        assert!(
            matches!(found[..], [Job::SetAsideDamaged { table: Table::Events, seq: 2, .. }]),
            "{found:?}"
        );
        assert_eq!(counters.set_aside_rows.get(), 0);
    }
}
