//! Promises of a journal that is the store when its file is damaged: what can be read is read, the rest is told, and it goes on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use footfall_delivery::journal::{JOURNAL_FILE, JournalReader};
use footfall_delivery::{Batch, Delivery, DeliverySettings, JournalSettings, Readiness};
use rusqlite::Connection;
use support::{batch, journal, large_batch, wait_for, wait_until_ready};
use tempfile::{TempDir, tempdir};

const ROWS: i64 = 3_000;

/// What damages a page.
const GARBAGE: [u8; 4096] = [0xa5; 4096];
const ZEROS: [u8; 4096] = [0; 4096];

fn sqlite(directory: &Path) -> Connection {
    Connection::open(directory.join(JOURNAL_FILE)).unwrap()
}

async fn filled() -> TempDir {
    let directory = tempdir().unwrap();
    let delivery = journal(directory.path());
    for first in 0..ROWS as usize / 1_000 {
        delivery.append(batch(first * 1_000..(first + 1) * 1_000)).await.unwrap();
    }
    drop(delivery);
    directory
}

/// Overwrites the page of the events that stands at this share of them, in thousandths.
fn damage_page(directory: &Path, thousandths: usize, with: &[u8; 4096]) {
    use std::os::unix::fs::FileExt as _;
    let journal = sqlite(directory);
    journal.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let leaves = "SELECT pageno FROM dbstat WHERE name = 'events' AND pagetype = 'leaf' ORDER BY path";
    let mut select = journal.prepare(leaves).unwrap();
    let pages: Vec<u32> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let page = pages[(pages.len() - 1) * thousandths / 1_000];
    let file = File::options().write(true).open(directory.join(JOURNAL_FILE)).unwrap();
    file.write_all_at(with, u64::from(page - 1) * 4096).unwrap();
}

/// The numbers that can be read, and those that are told to be lost.
fn read_all(directory: &Path) -> (BTreeSet<i64>, BTreeSet<i64>) {
    let reader = JournalReader::open(directory).unwrap();
    let (mut read, mut lost, mut after) = (BTreeSet::new(), BTreeSet::new(), 0);
    loop {
        match reader.read_after(after, 500) {
            Ok(rows) => {
                let Some(last) = rows.last() else { return (read, lost) };
                after = last.seq;
                read.extend(rows.iter().map(|row| row.seq));
            }
            Err(error) => {
                let (last, rows) = error.passes_over().unwrap();
                assert!(last > after, "it goes in circles: {error}");
                println!("{error}");
                after = last;
                lost.extend(last - rows as i64 + 1..=last);
            }
        }
    }
}

fn aside(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("journal.damaged-") && name.ends_with(".sqlite")).collect()
}

async fn wait_for_damage(delivery: &Delivery, rows: usize) {
    wait_for("the damage to be counted", || {
        (delivery.stats().journal.damaged_rows == rows as u64).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_amid_the_events_costs_its_own_rows_and_is_told_while_the_server_runs() {
    for with in [&GARBAGE, &ZEROS] {
        let directory = filled().await;
        damage_page(directory.path(), 500, with);
        let (read, lost) = read_all(directory.path());
        assert!((1..100).contains(&lost.len()), "{lost:?}");
        assert_eq!(read.union(&lost).copied().collect::<Vec<_>>(), (1..=ROWS).collect::<Vec<_>>());
        assert!(read.is_disjoint(&lost));

        let delivery = journal(directory.path());
        assert_eq!(delivery.readiness(), Readiness::Ready);
        wait_for_damage(&delivery, lost.len()).await;
        delivery.append(batch(0..10)).await.unwrap();
        assert_eq!(read_all(directory.path()).0.len(), read.len() + 10);
        assert_eq!(delivery.stats().journal.event_rows, ROWS as u64 + 10);
        assert_eq!(aside(directory.path()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_that_is_written_to_next_is_found_at_the_start() {
    for (thousandths, with) in [(0, &GARBAGE), (1_000, &GARBAGE), (1_000, &ZEROS)] {
        let directory = filled().await;
        damage_page(directory.path(), thousandths, with);
        let (read, _) = read_all(directory.path());
        assert!(read.len() > 2_900, "without a server: {}", read.len());
        let delivery = journal(directory.path());
        assert_eq!(delivery.readiness(), Readiness::Ready);
        let damaged = delivery.stats().journal.damaged_rows;
        assert!((1..100).contains(&damaged), "{damaged}");
        delivery.append(batch(0..10)).await.unwrap();
        let (read, lost) = read_all(directory.path());
        assert_eq!((read.len() as u64 + damaged, lost.len()), (ROWS as u64 + 10, 0));
        assert_eq!(read.last(), Some(&(ROWS + 10)), "a number is never used twice");
        assert_eq!(aside(directory.path()).len(), 1);
        // It is over: the next start finds nothing.
        drop(delivery);
        let delivery = journal(directory.path());
        delivery.append(batch(0..1)).await.unwrap();
        assert_eq!((delivery.stats().journal.damaged_rows, aside(directory.path()).len()), (0, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_that_retention_comes_to_stops_nothing() {
    let directory = tempdir().unwrap();
    let bound = JournalSettings { max_bytes: 8 << 20, ..JournalSettings::default() };
    let delivery =
        Delivery::open(DeliverySettings { journal: bound, ..DeliverySettings::new(directory.path()) })
            .unwrap();
    let mut follower: Option<JournalReader> = None;
    for number in 0..1_500 {
        // Rows of 3 KB, so that the writer has forgotten the first pages.
        delivery.append(large_batch(3_000)).await.unwrap();
        if number == 1_000 {
            damage_page(directory.path(), 200, &GARBAGE);
            follower = JournalReader::open(directory.path()).ok();
        }
    }
    assert_eq!(aside(directory.path()), Vec::<String>::new(), "it was met too early");
    for _ in 0..2_000 {
        delivery.append(large_batch(3_000)).await.unwrap();
    }
    wait_until_ready(&delivery).await;
    let stats = delivery.stats();
    assert!(stats.journal.damaged_rows > 0 && stats.failed_records == 0, "{stats:?}");
    assert_eq!(aside(directory.path()).len(), 1);
    let (read, lost) = read_all(directory.path());
    assert_eq!((read.last(), lost.len()), (Some(&3_500), 0));
    // Whoever has followed the journal from before goes on in the file that took its place.
    let mut follower = follower.unwrap();
    assert!(follower.last_seq().unwrap() < 3_500);
    follower.follow();
    assert_eq!(follower.last_seq().unwrap(), 3_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_rows_that_were_set_aside_in_their_table() {
    let directory = filled().await;
    let letters = journal(directory.path());
    letters.append(Batch::dead_letters(batch(0..3).records().to_vec())).await.unwrap();
    drop(letters);
    sqlite(directory.path())
        .execute_batch(
            "UPDATE events SET payload = x'00ff' WHERE seq IN (7, 2900);
             UPDATE dead_letters SET headers = '{}' WHERE seq = 2;",
        )
        .unwrap();
    let delivery = journal(directory.path());
    wait_for_damage(&delivery, 3).await;
    let found = || {
        // As docs/operating.md has it.
        let select = "SELECT found_in, seq, strftime('%Y-%m-%dT%H:%M:%fZ', found_at_ms / 1000.0, 'unixepoch') AS found_at,
                             reason, headers, hex(payload) AS payload FROM damaged_rows ORDER BY found_in, seq";
        let journal = sqlite(directory.path());
        let mut select = journal.prepare(select).unwrap();
        let row =
            |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, i64, String, String, String, String)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            };
        select
            .query_map([], row)
            .unwrap()
            .collect::<rusqlite::Result<Vec<_>>>()
            .ok()
            .filter(|rows| rows.len() == 3)
    };
    let rows = wait_for("the rows to be set aside", found).await;
    let places: Vec<_> = rows.iter().map(|(found_in, seq, ..)| (found_in.as_str(), *seq)).collect();
    assert_eq!(places, [("dead_letters", 2), ("events", 7), ("events", 2900)]);
    for (_, _, found_at, reason, ..) in &rows {
        assert!(found_at.starts_with("20") && found_at.ends_with('Z'), "{found_at}");
        assert!(reason.starts_with("its checksum is ") && reason.ends_with(" was stored"), "{reason}");
    }
    assert_eq!((rows[0].4.as_str(), rows[1].5.as_str()), ("{}", "00FF"), "as they were found");
    assert!(rows[1].4.contains(r#""ce_id":"id-6""#), "{}", rows[1].4);
    // They are in nobody's way any more.
    let (read, lost) = read_all(directory.path());
    assert_eq!((read.len() as i64, lost.len(), read.contains(&7)), (ROWS - 2, 0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_short_is_made_anew_and_one_that_was_whole_is_used() {
    let directory = filled().await;
    damage_page(directory.path(), 1_000, &GARBAGE);
    let beside = |name: &str| directory.path().join(name);
    // Killed while it copied.
    std::fs::write(beside("journal.salvaging.sqlite"), GARBAGE).unwrap();
    std::fs::write(beside("journal.salvaging.sqlite-wal"), GARBAGE).unwrap();
    drop(journal(directory.path()));
    let kept = read_all(directory.path()).0;
    assert!(kept.len() > 2_900, "{}", kept.len());
    // Killed when the copy was whole, before and after the damaged file was moved.
    for moved in [false, true] {
        std::fs::rename(beside(JOURNAL_FILE), beside("journal.salvaged.sqlite")).unwrap();
        if !moved {
            std::fs::write(beside(JOURNAL_FILE), GARBAGE).unwrap();
            std::fs::write(beside("journal.sqlite-wal"), GARBAGE).unwrap();
        }
        drop(journal(directory.path()));
        assert_eq!(read_all(directory.path()).0, kept);
    }
    assert!(!beside("journal.salvaged.sqlite").exists() && !beside("journal.salvaging.sqlite").exists());
}
