//! Promises of the journal while the disk under it fails: the system refuses the writes, no mock does.

use std::path::Path;
use std::process::Command;

use crate::support::child::{ChildTest, directory_of_child, tell};
use crate::support::{journal, large_batch, wait_until_not_ready, wait_until_ready};
use footfall_delivery::journal::JournalReader;
use tempfile::tempdir;

/// A file that takes the space of a small disk.
const BALLAST: &str = "ballast";

#[test]
fn a_write_error_is_told_in_words_and_over_without_a_restart() {
    let directory = tempdir().unwrap();
    // The limit on the size of a file makes write(2) fail with EFBIG once the log reaches it.
    let confine = ["sh", "-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$@\"", "sh"];
    let mut child =
        ChildTest::start(&confine, "disk_faults::append_through_a_fault", directory.path().as_os_str());
    let refused = child.expect_line("refused ");
    println!("{refused}");
    assert!(
        refused.starts_with("refused journal_io the journal cannot be written: disk I/O error"),
        "{refused}"
    );
    let pid = child.pid().to_string();
    assert!(Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status().unwrap().success());
    let stored = child.expect_line("stored ");
    child.expect_success();
    assert_eq!(format!("stored {}", count(directory.path())), stored);
}

/// Needs the right to mount in a namespace of its own, which some containers withhold; the test above does not.
#[test]
fn a_full_disk_is_told_in_words_and_over_without_a_restart() {
    let namespace = ["unshare", "--user", "--map-root-user", "--mount"];
    if !Command::new(namespace[0])
        .args([&namespace[1..], &["true"]].concat())
        .status()
        .is_ok_and(|s| s.success())
    {
        println!("skipped: this machine gives no mount namespace");
        return;
    }
    let directory = tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=12m none \"$FOOTFALL_TEST_DATA_DIR\" && exec \"$@\"";
    let confine = [&namespace[..], &["sh", "-c", mount, "sh"]].concat();
    let mut child =
        ChildTest::start(&confine, "disk_faults::append_through_a_full_disk", directory.path().as_os_str());
    let refused = child.expect_line("refused ");
    println!("{refused}");
    assert!(refused.contains("journal_io") && refused.contains("no space left on the disk"), "{refused}");
    child.expect_line("intact");
    child.expect_success();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is run by a_write_error_is_told_in_words_and_over_without_a_restart"]
async fn append_through_a_fault() {
    let Some(directory) = directory_of_child() else { return };
    let stored = append_through(&directory, || ()).await;
    tell(&format!("stored {stored}"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is run by a_full_disk_is_told_in_words_and_over_without_a_restart"]
async fn append_through_a_full_disk() {
    let Some(directory) = directory_of_child() else { return };
    std::fs::write(directory.join(BALLAST), vec![0; 6 << 20]).unwrap();
    let stored = append_through(&directory, || std::fs::remove_file(directory.join(BALLAST)).unwrap()).await;
    // The disk is gone with this process, so it counts itself.
    assert_eq!(count(&directory), stored);
    tell("intact");
}

/// Appends until the disk refuses, mends it, goes on; gives how many were acknowledged.
async fn append_through(directory: &Path, mend: impl FnOnce()) -> usize {
    let delivery = journal(directory);
    let mut stored = 0;
    let error = loop {
        match delivery.append(large_batch(50_000)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    wait_until_not_ready(&delivery, "the journal cannot be written").await;
    tell(&format!("refused {} {error}", error.code()));
    mend();
    wait_until_ready(&delivery).await;
    delivery.append(large_batch(50_000)).await.unwrap();
    stored + 1
}

fn count(directory: &Path) -> usize {
    let reader = JournalReader::open(directory).unwrap();
    let mut count = 0;
    let mut seq = 0;
    loop {
        let rows = reader.read_after(seq, usize::MAX).unwrap();
        let Some(last) = rows.last() else { return count };
        seq = last.seq;
        count += rows.len();
    }
}
