//! The promise that everything rests on: what was acknowledged is there after SIGKILL.

use std::collections::BTreeSet;

use crate::support::child::{ChildTest, directory_of_child, tell};
use crate::support::{batch, journal};
use footfall_delivery::journal::JournalReader;
use tempfile::tempdir;

/// Records in a batch, and the numbers that one process life may use.
const BATCH: usize = 20;
const LIFE: usize = 1_000_000;

#[test]
fn acknowledged_records_survive_kill_9() {
    let directory = tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    // Killed at different moments: soon after the first acknowledgement, and with the log folded in between.
    for acknowledgements in [1, 50, 333, 1500] {
        let mut writer = ChildTest::start(&[], "kill_9::append_until_killed", directory.path().as_os_str());
        for _ in 0..acknowledgements {
            let told = writer.expect_line("stored ");
            acknowledged.insert(told["stored ".len()..].parse::<usize>().unwrap());
        }
        writer.kill();
        // What it told before it died counts too.
        while let Some(told) = writer.next_line() {
            acknowledged.insert(told["stored ".len()..].parse::<usize>().unwrap());
        }
    }
    let kept = kept(directory.path());
    println!("{} batches acknowledged, {} records kept", acknowledged.len(), kept.len());
    assert!(acknowledged.len() >= 1 + 50 + 333 + 1500);
    for first in acknowledged {
        for number in first..first + BATCH {
            assert!(kept.contains(&format!("id-{number}")), "acknowledged record {number} is lost");
        }
    }
}

fn kept(directory: &std::path::Path) -> BTreeSet<String> {
    let reader = JournalReader::open(directory).unwrap();
    let mut kept = BTreeSet::new();
    let mut seq = 0;
    loop {
        let rows = reader.read_after(seq, 10_000).unwrap();
        let Some(last) = rows.last() else { return kept };
        seq = last.seq;
        for row in rows {
            let id = String::from_utf8(row.headers[0].value.to_vec()).unwrap();
            assert!(kept.insert(id), "a record was kept twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is run, and killed, by acknowledged_records_survive_kill_9"]
async fn append_until_killed() {
    let Some(directory) = directory_of_child() else { return };
    // Numbers of an earlier life are not used again.
    let life = JournalReader::open(&directory).map_or(0, |reader| reader.last_seq().unwrap() as usize + 1);
    let delivery = journal(&directory);
    for caller in 0..8 {
        let delivery = delivery.clone();
        tokio::spawn(async move {
            for turn in 0.. {
                let first = life * LIFE + (turn * 8 + caller) * BATCH;
                delivery.append(batch(first..first + BATCH)).await.unwrap();
                tell(&format!("stored {first}"));
            }
        });
    }
    std::future::pending::<()>().await;
}
