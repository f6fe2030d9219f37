//! The power goes, at hundreds of moments of a journal's life: what was acknowledged is there, and the journal goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use footfall_delivery::journal::{JOURNAL_FILE, JournalReader};
use footfall_delivery::{Batch, Delivery, DeliverySettings, JournalSettings, Record};
use rusqlite::Connection;
use tempfile::tempdir;

use super::image::{Chance, Honesty, Survives, image};
use super::life::{life, numbered, small_journal};
use super::recorder::{Disk, Mark, Name, Step};
use super::support::kafka_settings;

/// Moments at which the power goes, beside those around the syncs.
const MOMENTS: usize = 120;

/// Of the moments around syncs, at most so many.
const AROUND_SYNCS: usize = 220;

/// What must be there at a moment: from this record on, those below this one.
#[derive(Clone, Copy, Debug)]
struct Promised {
    expired: usize,
    acknowledged: usize,
}

fn promised(steps: &[Step], moment: usize) -> Promised {
    let marks = |steps: &[Step]| -> Vec<Mark> {
        let mark = |step: &Step| if let Step::Mark(mark) = step { Some(*mark) } else { None };
        steps.iter().filter_map(mark).collect()
    };
    let (before, after) = (marks(&steps[..moment]), marks(&steps[moment..]));
    // What is deleted now is told after a while: at the latest with the commit after the next mark.
    let expired = after.get(1).or(after.last()).or(before.last()).map_or(0, |mark| mark.expired);
    Promised { expired, acknowledged: before.last().map_or(0, |mark| mark.acknowledged) }
}

/// The moments: around the syncs, and at random. Only what came after `from` is meant.
fn moments(steps: &[Step], chance: &mut Chance) -> Vec<usize> {
    let syncs = steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Sync(_)));
    let mut around: Vec<usize> = syncs.flat_map(|(at, _)| [at, at + 1]).collect();
    while around.len() > AROUND_SYNCS {
        around.swap_remove(chance.below(around.len()));
    }
    let anywhere = (0..MOMENTS).map(|_| chance.below(steps.len() + 1));
    around.into_iter().chain(anywhere).collect()
}

/// Writes the files of a disk whose power has gone into a directory that is new.
fn lay_out(directory: &Path, files: &BTreeMap<Name, Vec<u8>>) {
    for (name, bytes) in files {
        std::fs::write(directory.join(&**name), bytes).unwrap();
    }
}

type Check = fn(&Path, Promised) -> Result<(), String>;

/// Tries every moment; gives what was wrong.
fn lose_power(steps: &[Step], honesty: Honesty, seed: u64, check: Check) -> Vec<String> {
    let mut chance = Chance(seed);
    let moments = moments(steps, &mut chance);
    let mut wrong = Vec::new();
    let begun = Instant::now();
    let tried = moments.len();
    for moment in moments {
        let survives = Survives::ALL[chance.below(Survives::ALL.len())];
        let files = image(&steps[..moment], survives, honesty, &mut chance);
        let directory = tempdir().unwrap();
        lay_out(directory.path(), &files);
        // Not recorded for its own sake: so that no fsync is waited for.
        let disk = Disk::watch(directory.path());
        if let Err(words) = check(directory.path(), promised(steps, moment)) {
            wrong.push(format!("seed {seed}, step {moment} of {}, {survives:?}: {words}", steps.len()));
        }
        disk.steps();
    }
    let syncs = steps.iter().filter(|step| matches!(step, Step::Sync(_))).count();
    println!(
        "{honesty:?}, seed {seed}: {} steps, {syncs} syncs, power lost {tried} times, {} times with a loss, {:?}",
        steps.len(),
        wrong.len(),
        begun.elapsed()
    );
    wrong
}

fn seed() -> u64 {
    let given = std::env::var("FOOTFALL_POWER_SEED").ok().map(|seed| seed.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    given.unwrap_or(now.as_nanos() as u64)
}

/// The rows are a run of whole records that lacks none of what was promised.
fn is_kept(rows: &[(i64, Vec<u8>)], promised: Promised) -> Result<(), String> {
    let first = rows.first().map_or(0, |(seq, _)| *seq as usize - 1);
    for (index, (seq, payload)) in rows.iter().enumerate() {
        let number = first + index;
        if *seq as usize != number + 1 || numbered(number).payload != payload[..] {
            return Err(format!("row {seq} is not record {number}"));
        }
    }
    let Promised { expired, acknowledged } = promised;
    let lacks = first > expired || acknowledged > first + rows.len();
    if acknowledged > expired && lacks {
        return Err(format!("{promised:?}, and {} rows from {first} on are there", rows.len()));
    }
    Ok(())
}

/// Opens the journal as a server does after the power is back, looks for what was acknowledged and appends.
fn open_and_append(directory: &Path) -> Result<(), String> {
    let delivery = Delivery::open(DeliverySettings::new(directory)).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let after = Record { payload: "after".into(), ..Record::default() };
    runtime.block_on(delivery.append(Batch::new(vec![after]))).map_err(|error| error.to_string())?;
    let aside = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let aside: Vec<_> = aside.filter(|name| name.to_string_lossy().contains("damaged")).collect();
    if aside.is_empty() { Ok(()) } else { Err(format!("the journal counts as damaged: {aside:?}")) }
}

fn events(directory: &Path, promised: Promised) -> Result<(), String> {
    open_and_append(directory)?;
    let reader = JournalReader::open(directory).map_err(|error| error.to_string())?;
    let mut rows = reader.read_after(0, usize::MAX).map_err(|error| error.to_string())?;
    let last = rows.pop().ok_or("nothing is there")?;
    if last.payload != "after" {
        return Err("what was appended is not there".to_owned());
    }
    is_kept(&rows.iter().map(|row| (row.seq, row.payload.to_vec())).collect::<Vec<_>>(), promised)
}

fn outbox(directory: &Path, promised: Promised) -> Result<(), String> {
    open_and_append(directory)?;
    let select = || -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
        let journal = Connection::open(directory.join(JOURNAL_FILE))?;
        let mut select = journal.prepare("SELECT seq, payload FROM outbox ORDER BY seq")?;
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    is_kept(&select().map_err(|error| error.to_string())?, promised)
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_the_loss_of_power_and_not_a_disk_that_lies() {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let settings = DeliverySettings { journal: small_journal(), ..DeliverySettings::new(directory.path()) };
    let steps = life(settings, disk).await;
    let truncated = |step: &&Step| matches!(step, Step::Truncate { file, .. } if file.ends_with("-wal"));
    assert!(steps.iter().filter(truncated).count() > 0, "the log was never cut");
    let folded = |step: &&Step| matches!(step, Step::Sync(file) if **file == *JOURNAL_FILE);
    assert!(steps.iter().filter(folded).count() > 5, "the log was hardly ever folded");
    let end = promised(&steps, steps.len());
    assert!(end.expired > 100, "hardly anything was deleted: {end:?}");
    tokio::task::spawn_blocking(move || {
        let seed = seed();
        let wrong = lose_power(&steps, Honesty::Honest, seed, events);
        assert!(wrong.is_empty(), "{wrong:#?}");
        // What this test can see: without the fsyncs that SQLite asks for, it finds losses.
        let wrong = lose_power(&steps, Honesty::LiesAboutTheLog, seed, events);
        assert!(wrong.len() > 20, "a disk that writes nothing when it says so loses nothing: {wrong:#?}");
        println!("for example: {}", wrong[0]);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_for_kafka_survive_the_loss_of_power() {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let away = kafka_settings(directory.path(), "127.0.0.1:1", "footfall.events");
    let journal = JournalSettings { max_bytes: 32 << 20, ..small_journal() };
    let steps = life(DeliverySettings { journal, ..away }, disk).await;
    tokio::task::spawn_blocking(move || {
        let wrong = lose_power(&steps, Honesty::Honest, seed(), outbox);
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await
    .unwrap();
}
