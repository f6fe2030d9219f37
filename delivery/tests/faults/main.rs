//! What a real Kafka, a real disk and a killed process do to delivery, each counted against what was acknowledged.
//! As a test it runs the quick rows; `make faults` runs all of them. A name among the arguments runs those that hold it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod brokers;
mod clock;
mod cost;
mod disk;
mod load;
mod login;
mod network;
mod process;
mod proxy;
mod row;
#[path = "../support/mod.rs"]
mod support;
mod topics;
mod verdict;

use std::time::{Duration, Instant};

use verdict::Verdict;

/// One fault.
struct Row {
    name: &'static str,
    /// Whether it is among those of an ordinary test run.
    quick: bool,
    run: fn(&'static str) -> Verdict,
}

const ROWS: &[Row] = &[
    Row { name: "broker killed, back after 5 s", quick: true, run: brokers::killed_5 },
    Row { name: "broker killed, back after 30 s", quick: false, run: brokers::killed_30 },
    Row { name: "broker killed, back after 120 s", quick: false, run: brokers::killed_120 },
    Row { name: "broker stopped for 8 s", quick: true, run: brokers::paused_8 },
    Row { name: "broker stopped for 30 s", quick: false, run: brokers::paused_30 },
    Row { name: "broker down at boot", quick: true, run: brokers::down_at_boot },
    Row { name: "15 % of produce answers dropped", quick: false, run: network::answers_dropped },
    Row { name: "answers late by 300 ms, 5 % stalls", quick: false, run: network::late },
    Row { name: "connection cut every second", quick: false, run: network::cut_every_second },
    Row { name: "three brokers: one gone, two gone, back", quick: false, run: brokers::three },
    Row { name: "password wrong, then put right in its file", quick: false, run: login::password_changed },
    Row { name: "wall clock jumps while the broker is silent", quick: true, run: clock::jumps },
    Row { name: "one record too large for the topic", quick: true, run: topics::oversized },
    Row { name: "topic takes smaller batches than before", quick: false, run: topics::limit_lowered },
    Row { name: "topic missing at boot", quick: false, run: topics::missing_at_boot },
    Row { name: "topic deleted under load", quick: false, run: topics::deleted },
    Row { name: "journal full during an outage", quick: true, run: disk::journal_full },
    Row { name: "disk full during an outage", quick: false, run: disk::disk_full },
    Row { name: "rows of the journal damaged", quick: true, run: disk::row_damaged },
    Row { name: "a page of the journal damaged", quick: false, run: disk::page_damaged },
    Row { name: "journal truncated", quick: false, run: disk::truncated },
    Row { name: "stop during an outage", quick: true, run: process::stopped_in_an_outage },
    Row { name: "server killed every 3 s for 15 s", quick: true, run: process::killed_15 },
    Row { name: "server killed every 3 s for 60 s", quick: false, run: process::killed_60 },
    Row {
        name: "the same, and the broker stops",
        quick: false,
        run: process::killed_beside_a_broker_that_stops,
    },
    Row { name: "exactly-once: broker killed, back after 5 s", quick: true, run: brokers::killed_5 },
    Row { name: "exactly-once: broker stopped for 8 s", quick: false, run: brokers::paused_8 },
    Row { name: "exactly-once: broker stopped for 80 s", quick: false, run: brokers::paused_80 },
    Row { name: "exactly-once: broker down at boot", quick: false, run: brokers::down_at_boot },
    Row {
        name: "exactly-once: 15 % of produce answers dropped",
        quick: false,
        run: network::answers_dropped,
    },
    Row { name: "exactly-once: connection cut every second", quick: false, run: network::cut_every_second },
    Row { name: "exactly-once: three brokers: one gone, two gone, back", quick: false, run: brokers::three },
    Row { name: "exactly-once: one record too large for the topic", quick: false, run: topics::oversized },
    Row {
        name: "exactly-once: topic takes smaller batches than before",
        quick: false,
        run: topics::limit_lowered,
    },
    Row { name: "exactly-once: stop during an outage", quick: false, run: process::stopped_in_an_outage },
    Row { name: "exactly-once: server killed every 3 s for 15 s", quick: true, run: process::killed_15 },
    Row { name: "exactly-once: server killed every 3 s for 60 s", quick: false, run: process::killed_60 },
    Row {
        name: "exactly-once: the same, and the broker stops",
        quick: false,
        run: process::killed_beside_a_broker_that_stops,
    },
    Row { name: "exactly-once: fenced by a second server", quick: true, run: process::fenced },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return;
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
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen = ROWS.iter().filter(|row| match wanted.as_slice() {
        [] => all || row.quick,
        names => names.iter().any(|name| row.name.contains(name.as_str())),
    });
    let (mut passed, mut failed) = (0, 0);
    println!("{}", verdict::HEADING);
    for (number, row) in chosen.enumerate() {
        row::begin_row(number, row.name);
        let begun = Instant::now();
        let verdict = (row.run)(row.name);
        println!("{verdict}");
        if begun.elapsed() > Duration::from_secs(180) {
            println!("    it took {:?}", begun.elapsed());
        }
        if verdict.problems.is_empty() { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    if passed + failed == 0 {
        eprintln!("no fault is called so; without a name all that are quick are run, with --all all");
    }
    std::process::exit(i32::from(failed > 0 || passed == 0));
}

/// Runs one fault on a runtime of its own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}
