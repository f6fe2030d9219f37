//! Promises of a journal that is the store when its file is damaged: what can be read is read, the rest is told, and it goes on.
#![allow(clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use crate::support::{batch, journal, large_batch, wait_for, wait_until_ready};
use footfall_delivery::journal::{JOURNAL_FILE, JournalReader};
use footfall_delivery::{Batch, Delivery, DeliverySettings, JournalSettings, Readiness};
use rusqlite::Connection;
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
    read_all_by(directory, 500)
}

/// The same with reads of so many rows.
fn read_all_by(directory: &Path, limit: usize) -> (BTreeSet<i64>, BTreeSet<i64>) {
    let reader = JournalReader::open(directory).unwrap();
    let (mut read, mut lost, mut after) = (BTreeSet::new(), BTreeSet::new(), 0);
    loop {
        match reader.read_after(after, limit) {
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

/// The leaves of the events, in order.
fn leaves(directory: &Path) -> Vec<u32> {
    let journal = sqlite(directory);
    journal.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let leaves = "SELECT pageno FROM dbstat WHERE name = 'events' AND pagetype = 'leaf' ORDER BY path";
    let mut select = journal.prepare(leaves).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn change_page(directory: &Path, page: u32, change: impl FnOnce(&mut [u8])) {
    use std::os::unix::fs::FileExt as _;
    let file = File::options().read(true).write(true).open(directory.join(JOURNAL_FILE)).unwrap();
    let mut bytes = [0; 4096];
    let at = u64::from(page - 1) * 4096;
    file.read_exact_at(&mut bytes, at).unwrap();
    change(&mut bytes);
    file.write_all_at(&bytes, at).unwrap();
}

/// Gives a row of the first events another number: both take two bytes, as all from 128 to 16383 do.
fn renumber(directory: &Path, from: i64, to: i64) {
    let number = |seq: i64| [0x80 | (seq >> 7) as u8, (seq & 0x7f) as u8];
    let leaves = leaves(directory);
    let changed = leaves.into_iter().filter(|page| {
        let mut is_there = false;
        change_page(directory, *page, |bytes| {
            for cell in 0..usize::from(u16::from_be_bytes([bytes[3], bytes[4]])) {
                let pointer = 8 + 2 * cell;
                let at = usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]));
                // The length of the row in one or two bytes, then its number.
                let at = at + if bytes[at] < 0x80 { 1 } else { 2 };
                if bytes[at..at + 2] == number(from) {
                    bytes[at..at + 2].copy_from_slice(&number(to));
                    is_there = true;
                }
            }
        });
        is_there
    });
    assert_eq!(changed.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_wrong_number_costs_no_other_and_is_told() {
    for (from, to) in [(1_001, 1_011), (1_001, 16_000), (1_005, 200), (ROWS, 16_000), (ROWS, 200)] {
        let directory = filled().await;
        renumber(directory.path(), from, to);
        for limit in [1, 7, 500] {
            let (read, lost) = read_all_by(directory.path(), limit);
            assert!(lost.contains(&from) && !read.contains(&from), "{from} to {to} by {limit}: {lost:?}");
            let others: BTreeSet<i64> = (1..=ROWS).filter(|seq| *seq != from).collect();
            assert_eq!(others.difference(&read).count(), 0, "{from} to {to} by {limit}: {lost:?}");
        }
        // A copy of it, which another page makes necessary.
        damage_page(directory.path(), 0, &GARBAGE);
        let delivery = journal(directory.path());
        assert_eq!(aside(directory.path()).len(), 1);
        let lost_page = delivery.stats().journal.damaged_rows as i64 - 1;
        drop(delivery);
        let read = read_all(directory.path()).0;
        let expected: BTreeSet<i64> = (lost_page + 1..=ROWS).filter(|seq| *seq != from).collect();
        let differ: Vec<_> = read.symmetric_difference(&expected).collect();
        assert!(differ.is_empty(), "{from} to {to}: {differ:?}");
        let kept = "SELECT count(*) FROM damaged_rows WHERE headers LIKE '%id-' || ?1 || '\"%'";
        let kept: i64 = sqlite(directory.path()).query_row(kept, [from - 1], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1, "what has no number is not thrown away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_at_the_front_and_in_the_middle_costs_no_row_between() {
    let directory = filled().await;
    // As if retention had been there for long: far-off numbers.
    let far = 1_000_000_000;
    sqlite(directory.path())
        .execute_batch(&format!(
            "UPDATE events SET seq = seq + {far}; UPDATE sqlite_sequence SET seq = seq + {far} WHERE name = 'events'"
        ))
        .unwrap();
    let whole = read_all(directory.path()).0.len();
    assert_eq!(whole as i64, ROWS);
    for thousandths in [0, 300, 600, 610] {
        damage_page(directory.path(), thousandths, &GARBAGE);
    }
    let reader = JournalReader::open(directory.path()).unwrap();
    let first = reader.first_seq().unwrap();
    assert!((far + 1..far + 200).contains(&first), "{first}");
    let mut read = 0;
    let mut after = first - 1;
    let mut told = 0;
    loop {
        match reader.read_after(after, 500) {
            Ok(rows) if rows.is_empty() => break,
            Ok(rows) => {
                read += rows.len();
                after = rows.last().unwrap().seq;
            }
            Err(error) => {
                let (last, rows) = error.passes_over().unwrap();
                told += rows;
                after = last;
            }
        }
    }
    assert!(read > 2_600 && told < 400, "{read} {told}");
    let begun = std::time::Instant::now();
    let delivery = journal(directory.path());
    println!("copied in {:?}", begun.elapsed());
    let stats = delivery.stats().journal;
    assert!((1..400).contains(&stats.damaged_rows), "{stats:?}");
    assert_eq!(aside(directory.path()).len(), 1);
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.read_after(0, usize::MAX).unwrap().len(), read);
    delivery.append(batch(0..1)).await.unwrap();
    assert_eq!(reader.last_seq().unwrap(), far + ROWS + 1);
}

/// The journal after a walk over numbers of which there are too many to try each: that would take months.
fn journal_after_walk(directory: &Path) -> Delivery {
    let (runtime, directory) = (tokio::runtime::Handle::current(), directory.to_owned());
    let (opened, walked) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let _in_runtime = runtime.enter();
        opened.send(journal(&directory))
    });
    let opened = walked.recv_timeout(std::time::Duration::from_secs(300));
    opened.unwrap_or_else(|error| panic!("the walk has no bound: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_not_used_twice_where_the_last_one_cannot_be_read() {
    for wrong in [
        "DELETE FROM sqlite_sequence",
        "UPDATE sqlite_sequence SET seq = 3",
        "UPDATE sqlite_sequence SET seq = 9000000000000000000",
    ] {
        let directory = filled().await;
        sqlite(directory.path()).execute_batch(wrong).unwrap();
        damage_page(directory.path(), 0, &GARBAGE);
        let delivery = journal_after_walk(directory.path());
        delivery.append(batch(0..1)).await.unwrap();
        let read = read_all(directory.path()).0;
        assert!(read.len() as i64 > ROWS - 100 && read.contains(&ROWS), "{wrong}: {}", read.len());
        assert!(*read.last().unwrap() > ROWS, "{wrong}");
    }
}

/// Overwrites the page on which a row of the events stands.
fn damage_page_of(directory: &Path, seq: i64) {
    let is_read = || sqlite(directory).query_row("SELECT seq FROM events WHERE seq = ?1", [seq], |_| Ok(()));
    assert!(is_read().is_ok());
    for page in leaves(directory) {
        let mut before = [0; 4096];
        change_page(directory, page, |bytes| {
            before.copy_from_slice(bytes);
            bytes.copy_from_slice(&GARBAGE);
        });
        if is_read().is_err() {
            return;
        }
        change_page(directory, page, |bytes| bytes.copy_from_slice(&before));
    }
    panic!("row {seq} is on no leaf");
}

/// Rows with so many unused numbers in their middle, and a damaged page behind them: all of those numbers stand there, for whoever
/// looks for them.
async fn filled_with_gap(gap: i64) -> TempDir {
    let directory = filled().await;
    let widen = format!(
        "UPDATE events SET seq = seq + {gap} WHERE seq > 1500; UPDATE sqlite_sequence SET seq = seq + {gap} WHERE name = 'events'"
    );
    sqlite(directory.path()).execute_batch(&widen).unwrap();
    damage_page_of(directory.path(), gap + 1_501);
    directory
}

/// What is left around the gap, on both sides; a page or two are gone.
fn is_around(gap: i64, read: &BTreeSet<i64>) -> bool {
    let sides = [read.range(..=1_500).count(), read.range(gap..).count()];
    println!("rows before and behind the gap: {sides:?}");
    sides.iter().all(|rows| (1_300..=1_500).contains(rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_comes_over_hundreds_of_thousands_of_numbers_on_a_damaged_page() {
    let gap = 300_000;
    let directory = filled_with_gap(gap).await;
    let (read, lost) = read_all(directory.path());
    assert!(is_around(gap, &read) && lost.contains(&(gap + 1_501)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_tries_some_of_the_numbers_on_a_damaged_page_and_searches_behind_them() {
    let gap = 1_000_000_000_000;
    let directory = filled_with_gap(gap).await;
    // The copy is made for the page that is written to next.
    damage_page(directory.path(), 1_000, &GARBAGE);
    drop(journal_after_walk(directory.path()));
    assert_eq!(aside(directory.path()).len(), 1);
    let (read, lost) = read_all(directory.path());
    assert!(is_around(gap, &read) && lost.is_empty());
}
