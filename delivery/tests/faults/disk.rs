//! A journal that is full, damaged, or on a disk without room, while Kafka is away.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use footfall_delivery::journal::JOURNAL_FILE;
use footfall_delivery::{Batch, CloseOutcome, Delivery, Priority, Readiness, Record};

use super::block_on;
use super::lent::Broker;
use super::load::{Load, record};
use super::readiness::Outage;
use super::row::{judge, open_with, settings, topic, wait_for_more};
use super::support::{ToKafka, wait_for, wait_until_healthy, wait_until_not_ready, wait_until_ready};
use super::verdict::Verdict;

pub(crate) fn journal_full(name: &'static str) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open_with(&kafka.brokers(), |settings| {
            settings.journal.max_bytes = 4 << 20;
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 1_000).await;
        let killed = Instant::now();
        kafka.kill();
        wait_until_not_ready(&opened, "the journal is full").await;
        let ordinary = opened.append(Batch::new(vec![record("b", 1)])).await;
        let key_event = Record { priority: Priority::Key, ..record("c", 1) };
        let key_event = opened.append(Batch::new(vec![key_event])).await;
        let back = Instant::now();
        kafka.start_again();
        wait_until_healthy(&opened).await;
        wait_until_ready(&opened).await;
        wait_for_more(&load, 1_000).await;
        let mut seen = load.stop().await;
        // Some rows must have gone to Kafka before there is room.
        let (fails, mends) = (seen.fails(killed), Some(seen.works(back)));
        seen.outages.push(Outage { fails, mends, reason: "the journal is full" });
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let code = ordinary.as_ref().err().map(|error| error.code());
        verdict.expect(code == Some("journal_full"), &format!("at the bound: {ordinary:?}"));
        verdict.expect(key_event.is_ok(), &format!("a key event at the bound: {key_event:?}"));
        verdict.expect(verdict.refusals.keys().eq(&["journal_full"]), "refused for other causes");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}

const BALLAST: &str = "ballast";
const NO_SPACE: &str = "no space left on the disk";
const INSIDE: &str = "FAULTS_SMALL_DISK";

/// As below, for machines whose owner cannot help it.
pub(crate) fn disk_full_if_possible(name: &'static str) -> Verdict {
    let namespace = Command::new("unshare").args(NAMESPACE).arg("true").status();
    if std::env::var_os(INSIDE).is_none() && !namespace.is_ok_and(|status| status.success()) {
        return Verdict::skipped(name, "this machine gives no mount namespace");
    }
    disk_full(name)
}

/// What `unshare` is asked for.
const NAMESPACE: [&str; 3] = ["--user", "--map-root-user", "--mount"];

/// Runs itself once more where a small disk can be mounted, which some containers withhold.
pub(crate) fn disk_full(name: &'static str) -> Verdict {
    if let Some(directory) = std::env::var_os(INSIDE) {
        return disk_full_inside(name, Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size=16m none \"${INSIDE}\" && exec \"$@\"");
    let status = Command::new("unshare")
        .args(NAMESPACE)
        .args(["sh", "-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(INSIDE, directory.path())
        .status();
    let mut verdict = Verdict::told_by_another_process(name);
    verdict.expect(status.is_ok_and(|status| status.success()), "as said above, or no mount namespace here");
    verdict
}

fn disk_full_inside(name: &'static str, mounted: &Path) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let data = mounted.join("data");
        let delivery = Delivery::open(settings(&data, &kafka.brokers())).unwrap();
        wait_until_healthy(&delivery).await;
        let load = Load::start(&delivery, "a");
        wait_for_more(&load, 1_000).await;
        let ballast = mounted.join(BALLAST);
        let remove_ballast = || {
            let begun = Instant::now();
            std::fs::remove_file(&ballast).unwrap();
            begun..=Instant::now()
        };
        let first = Instant::now();
        std::fs::write(&ballast, vec![0; 11 << 20]).unwrap();
        kafka.kill();
        wait_until_not_ready(&delivery, NO_SPACE).await;
        // First the disk has room again, while Kafka is still away.
        let has_room = remove_ballast();
        wait_until_ready(&delivery).await;
        wait_for_more(&load, 500).await;
        // Then it is full again, and Kafka comes back: what it took must not wait for the disk.
        let second = Instant::now();
        fill(&std::fs::File::create(&ballast).unwrap(), 16 << 20);
        wait_until_not_ready(&delivery, NO_SPACE).await;
        let starts = Instant::now();
        kafka.start_again();
        wait_until_healthy(&delivery).await;
        let is_back = starts..=Instant::now();
        wait_for_more(&load, 1_000).await;
        remove_ballast();
        let mut seen = load.stop().await;
        for (full, mends) in [(first, has_room), (second, is_back)] {
            seen.outages.push(Outage { fails: seen.fails(full), mends: Some(mends), reason: NO_SPACE });
        }
        // The directory goes with the mount.
        let directory = tempfile::TempDir::with_prefix_in("unused", mounted).unwrap();
        let opened = ToKafka { delivery, directory };
        std::os::unix::fs::symlink(data.join(JOURNAL_FILE), opened.directory.path().join(JOURNAL_FILE))
            .unwrap();
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.refusals.contains_key("journal_io"), "the disk was never full");
        verdict
    })
}

/// Takes all the room that is left.
fn fill(mut file: &std::fs::File, at_most: usize) {
    use std::io::Write as _;
    for _ in 0..at_most / 4096 {
        if file.write_all(&[7; 4096]).is_err() {
            return;
        }
    }
}

pub(crate) fn row_damaged(name: &'static str) -> Verdict {
    damaged(name, |path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        let changed = connection
            .execute("UPDATE outbox SET payload = CAST(replace(CAST(payload AS TEXT), 'xx', 'xy') AS BLOB) WHERE seq IN (7, 300)", [])
            .unwrap();
        assert_eq!(changed, 2);
        2
    })
}

pub(crate) fn page_damaged(name: &'static str) -> Verdict {
    damaged(name, |path| {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
        file.write_all_at(&[0xa5; 4096], middle).unwrap();
        40
    })
}

pub(crate) fn truncated(name: &'static str) -> Verdict {
    damaged(name, |path| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - 64 * 4096).unwrap();
        2_000
    })
}

/// Fills a journal while no broker is where it looks, damages it while nobody has it open, and goes on with one: what is
/// not damaged must arrive.
fn damaged(name: &'static str, damage: fn(&Path) -> usize) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let directory = tempfile::tempdir().unwrap();
        // Nobody listens there.
        let delivery = Delivery::open(settings(directory.path(), "127.0.0.1:1")).unwrap();
        let load = Load::start(&delivery, "a");
        wait_for_more(&load, 4_000).await;
        let seen = load.stop().await;
        let closing = delivery.clone();
        let closed =
            tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
        assert_eq!(closed, CloseOutcome::Drained);
        drop(delivery);
        wait_for("the journal's files to be let go", || {
            // The last connection folds the log into the file as it closes.
            (!directory.path().join("journal.sqlite-wal").exists()).then_some(())
        })
        .await;
        let at_most = damage(&directory.path().join(JOURNAL_FILE));
        let delivery = match Delivery::open(settings(directory.path(), &kafka.brokers())) {
            Ok(delivery) => delivery,
            Err(error) => return Verdict::failed(name, &format!("it does not start: {error}")),
        };
        let ready = delivery.readiness() == Readiness::Ready;
        wait_until_healthy(&delivery).await;
        let load = Load::start(&delivery, "b");
        wait_for_more(&load, 1_000).await;
        let seen = seen.and(load.stop().await);
        let mut verdict = judge(name, &kafka, ToKafka { delivery, directory }, seen).await;
        let lost = verdict.lost;
        verdict.problems.retain(|problem| !problem.contains("are lost"));
        let told = verdict.stats.journal.damaged_rows;
        verdict.expect(lost <= at_most, &format!("more is lost than was damaged: {lost}"));
        verdict.expect(lost > 0 && told as usize >= lost, &format!("{lost} lost, {told} told"));
        verdict.expect(ready, "it was not ready");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}
