//! What a real Kafka, a real disk and a killed process do to delivery, each counted against what was acknowledged.
//! As a test it runs the quick rows; `make faults` runs all but those that stand there for longer ones. A name among the
//! arguments runs those that hold it. `cargo test -- fault-rows` runs these rows and no other test, `-- --skip fault-rows` all others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod at_most_once;
mod brokers;
mod clock;
mod cost;
mod disk;
mod leaders;
mod lent;
mod load;
mod login;
mod network;
mod process;
mod proxy;
mod readiness;
mod row;
mod rows;
#[path = "../support/mod.rs"]
mod support;
mod topics;
mod verdict;

use std::time::Instant;

use verdict::Verdict;

/// All of it, as a test among others; no other one has that in its name.
const AS_A_TEST: &str = "fault-rows";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    if arguments.windows(2).any(|pair| pair == ["--skip", AS_A_TEST]) {
        return println!("the fault rows are left out");
    }
    if let Some(child) = arguments.iter().position(|argument| argument == "--child") {
        return process::child(&arguments[child + 1..]);
    }
    if std::env::var_os("FAULTS_LOG").is_some() {
        support::log();
    }
    if arguments.iter().any(|argument| argument == "--cost") {
        return cost::run();
    }
    let all = arguments.iter().any(|argument| argument == "--all");
    let mut wanted: Vec<&str> = arguments.iter().map(String::as_str).collect();
    wanted.retain(|argument| !argument.starts_with('-') && *argument != AS_A_TEST);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    println!("{}", verdict::HEADING);
    for (number, row) in rows::chosen(&wanted, all).into_iter().enumerate() {
        let mut verdict = judged(number, row);
        if verdict.is_only_slow() && !all {
            println!(
                "    once more, since a machine that stands still makes it so; `make faults` forgives nothing"
            );
            verdict = judged(AGAIN + number, row);
        }
        match (verdict.skipped, verdict.problems.is_empty()) {
            (Some(_), true) => skipped += 1,
            (None, true) => passed += 1,
            (_, false) => failed += 1,
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if passed + failed + skipped == 0 {
        eprintln!("no fault is called so; without a name all that are quick are run, with --all all");
    }
    std::process::exit(i32::from(failed > 0 || passed + skipped == 0));
}

/// What a row's number is raised by where it runs a second time: topics are named by it.
const AGAIN: usize = 1000;

/// Runs a row and prints what came of it.
fn judged(number: usize, row: &rows::Row) -> Verdict {
    row::begin_row(number, row.name);
    let begun = Instant::now();
    // A wait that was in vain ends its own row alone.
    let ended = std::panic::catch_unwind(|| (row.run)(row.name));
    let mut verdict = ended.unwrap_or_else(|_| Verdict::failed(row.name, "it panicked, as said above"));
    verdict.took = begun.elapsed();
    println!("{verdict}");
    verdict
}

/// Runs one fault on a runtime of its own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}
