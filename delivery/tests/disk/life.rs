//! A journal's life with all that it does to its disk, recorded with what it promised meanwhile.
//! At which moment of it the power goes is `power_loss`'s to choose.

use footfall_delivery::journal::JOURNAL_FILE;
use footfall_delivery::{Batch, Delivery, DeliverySettings, Header, JournalSettings, Record};
use rusqlite::Connection;

use super::recorder::{Disk, Fault, Mark, Step};
use super::support::wait_until_ready;

/// A record that is told from every other by its content; some fill pages of their own.
pub(crate) fn numbered(number: usize) -> Record {
    let filler = match number % 13 {
        0 => 9_000,
        1 => 3_000,
        _ => 150,
    };
    Record {
        key: Some(format!("user-{}", number % 7).into()),
        headers: vec![Header::new("ce_id", format!("id-{number}"))].into(),
        payload: format!("{number} {}", "x".repeat(filler)).into(),
        ..Record::default()
    }
}

pub(crate) fn small_journal() -> JournalSettings {
    JournalSettings {
        // Folded each 64 KiB, so that checkpoints fall within the recording.
        max_bytes: JournalSettings::MIN_BYTES,
        wal_max_bytes: JournalSettings::MIN_BYTES,
        ..JournalSettings::default()
    }
}

/// Appends what comes next, and marks what was promised.
struct Appender {
    delivery: Delivery,
    disk: Disk,
    next: usize,
}

impl Appender {
    fn batch(&mut self, records: usize) -> Batch {
        let numbers = self.next..self.next + records;
        self.next = numbers.end;
        Batch::new(numbers.map(numbered).collect())
    }

    fn mark(&self) {
        let expired = self.delivery.stats().journal.expired_rows as usize;
        self.disk.mark(Mark { acknowledged: self.next, expired });
    }

    /// Three batches at once, which one commit may take together.
    async fn append(&mut self, records: usize) {
        let (a, b, c) = (self.batch(records), self.batch(1), self.batch(records / 2 + 1));
        let delivery = self.delivery.clone();
        let (a, b, c) = tokio::join!(delivery.append(a), delivery.append(b), delivery.append(c));
        a.and(b).and(c).unwrap();
        self.mark();
    }
}

/// A life with all that a journal does: commits of all sizes, checkpoints, a log that is cut, deletions, failing fsyncs.
pub(crate) async fn life(settings: DeliverySettings, disk: Disk) -> Vec<Step> {
    let path = settings.data_dir.join(JOURNAL_FILE);
    let mut appender = Appender { delivery: Delivery::open(settings).unwrap(), disk, next: 0 };
    for turn in 0..60 {
        appender.append(turn % 9).await;
    }
    // A read holds the checkpoints back; once it ends, the log is folded as a whole and cut.
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    for _ in 0..16 {
        appender.append(12).await;
    }
    reader.execute_batch("COMMIT").unwrap();
    drop(reader);
    for turn in 0..30 {
        appender.append(turn % 5).await;
    }
    // What a failed fsync was to bring to the disk counts as lost, whatever a later one says.
    let (refused, next) = (appender.batch(3), appender.next);
    appender.disk.refuse(Some(Fault::Sync));
    appender.delivery.append(refused).await.unwrap_err();
    appender.disk.refuse(None);
    appender.next = next - 3;
    wait_until_ready(&appender.delivery).await;
    for turn in 0..20 {
        appender.append(turn % 7).await;
    }
    let Appender { delivery, disk, next } = appender;
    let expired = delivery.stats().journal.expired_rows as usize;
    tokio::task::spawn_blocking(move || drop(delivery)).await.unwrap();
    disk.mark(Mark { acknowledged: next, expired });
    disk.steps()
}
