//! Every fault of the table, and in which runs it is.

use std::time::Duration;

use super::verdict::Verdict;
use super::{at_most_once, brokers, clock, disk, leaders, login, network, process, topics};

/// One fault.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) run: fn(&'static str) -> Verdict,
}

/// The runs that a row is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// It is short as it is.
    Always,
    /// It stands in an ordinary test run for one that takes longer.
    Quick,
    /// It takes its time.
    Full,
}

const fn always(name: &'static str, run: fn(&'static str) -> Verdict) -> Row {
    Row { name, when: When::Always, run }
}

const fn quick(name: &'static str, run: fn(&'static str) -> Verdict) -> Row {
    Row { name, when: When::Quick, run }
}

const fn full(name: &'static str, run: fn(&'static str) -> Verdict) -> Row {
    Row { name, when: When::Full, run }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const ROWS: &[&[Row]] = &[AT_LEAST_ONCE, AT_MOST_ONCE, EXACTLY_ONCE];

const AT_LEAST_ONCE: &[Row] = &[
    always("broker killed, back after 5 s", |name| brokers::killed(name, s(5))),
    full("broker killed, back after 30 s", |name| brokers::killed(name, s(30))),
    full("broker killed, back after 120 s", |name| brokers::killed(name, s(120))),
    always("broker stopped for 8 s", |name| brokers::paused(name, s(8))),
    full("broker stopped for 30 s", |name| brokers::paused(name, s(30))),
    always("broker down at boot", brokers::down_at_boot),
    quick("15 % of produce answers dropped, for 5 s", |name| network::answers_dropped(name, s(5))),
    full("15 % of produce answers dropped", |name| network::answers_dropped(name, s(40))),
    quick("answers late by 300 ms, 20 % stalls, for 5 s", |name| network::late(name, s(5), 20)),
    full("answers late by 300 ms, 5 % stalls", |name| network::late(name, s(60), 5)),
    quick("connection cut every second, for 5 s", |name| network::cut_every_second(name, 5)),
    full("connection cut every second", |name| network::cut_every_second(name, 20)),
    quick("leader moved twice, all brokers live", |name| leaders::moved(name, 2)),
    full("leader moved six times, all brokers live", |name| leaders::moved(name, 6)),
    quick("three brokers: one gone, two gone, back; 3 s", |name| brokers::three(name, s(3))),
    full("three brokers: one gone, two gone, back", |name| brokers::three(name, s(10))),
    quick("password wrong at boot, then put right", login::password_wrong),
    full("password wrong, then put right in its file", |name| login::password_changed(name, s(10))),
    always("wall clock jumps while the broker is silent", clock::jumps),
    always("one record too large for the topic", topics::oversized),
    always("topic takes smaller batches than before", topics::limit_lowered),
    always("topic missing at boot", topics::missing_at_boot),
    quick("topic deleted under load, gone for 2 s", |name| topics::deleted(name, s(2))),
    full("topic deleted under load", |name| topics::deleted(name, s(8))),
    always("journal full during an outage", disk::journal_full),
    quick("disk full, where one can be mounted", disk::disk_full_if_possible),
    full("disk full during an outage", disk::disk_full),
    always("rows of the journal damaged", disk::row_damaged),
    always("a page of the journal damaged", disk::page_damaged),
    always("journal truncated", disk::truncated),
    always("stop during an outage", process::stopped_in_an_outage),
    quick("server killed every 3 s for 15 s", |name| process::killed(name, s(15), false)),
    full("server killed every 3 s for 60 s", |name| process::killed(name, s(60), false)),
    full("the same, and the broker stops", |name| process::killed(name, s(60), true)),
];

const AT_MOST_ONCE: &[Row] = &[
    always("at-most-once: broker killed, back after 5 s", |name| at_most_once::killed(name, s(5))),
    always("at-most-once: broker stopped for 8 s", |name| at_most_once::paused(name, s(8))),
    always("at-most-once: one record too large", at_most_once::oversized),
    full("at-most-once: leader moved six times, all live", |name| leaders::moved(name, 6)),
];

const EXACTLY_ONCE: &[Row] = &[
    always("exactly-once: broker killed, back after 5 s", |name| brokers::killed(name, s(5))),
    full("exactly-once: broker killed, back after 30 s", |name| brokers::killed(name, s(30))),
    full("exactly-once: broker killed, back after 120 s", |name| brokers::killed(name, s(120))),
    full("exactly-once: broker stopped for 8 s", |name| brokers::paused(name, s(8))),
    full("exactly-once: broker stopped for 30 s", |name| brokers::paused(name, s(30))),
    // Longer than a transaction may take: the brokers abort what was open.
    full("exactly-once: broker stopped for 80 s", |name| brokers::paused(name, s(80))),
    full("exactly-once: broker down at boot", brokers::down_at_boot),
    full("exactly-once: 15 % of produce answers dropped", |name| network::answers_dropped(name, s(40))),
    full("exactly-once: answers late by 300 ms, 5 % stalls", |name| network::late(name, s(60), 5)),
    full("exactly-once: connection cut every second", |name| network::cut_every_second(name, 20)),
    full("exactly-once: leader moved six times, all live", |name| leaders::moved(name, 6)),
    full("exactly-once: three brokers: one gone, two gone, back", |name| brokers::three(name, s(10))),
    full("exactly-once: password wrong, then put right", |name| login::password_changed(name, s(10))),
    full("exactly-once: wall clock jumps", clock::jumps),
    full("exactly-once: one record too large for the topic", topics::oversized),
    full("exactly-once: topic takes smaller batches than before", topics::limit_lowered),
    full("exactly-once: topic missing at boot", topics::missing_at_boot),
    full("exactly-once: topic deleted under load", |name| topics::deleted(name, s(8))),
    full("exactly-once: journal full during an outage", disk::journal_full),
    full("exactly-once: disk full during an outage", disk::disk_full),
    full("exactly-once: rows of the journal damaged", disk::row_damaged),
    full("exactly-once: a page of the journal damaged", disk::page_damaged),
    full("exactly-once: journal truncated", disk::truncated),
    full("exactly-once: stop during an outage", process::stopped_in_an_outage),
    quick("exactly-once: server killed every 3 s for 15 s", |name| process::killed(name, s(15), false)),
    full("exactly-once: server killed every 3 s for 60 s", |name| process::killed(name, s(60), false)),
    full("exactly-once: the same, and the broker stops", |name| process::killed(name, s(60), true)),
    always("exactly-once: fenced by a second server", process::fenced),
];

/// The rows that are asked for: by their names or parts of them, else those of an ordinary run, or `all` the long ones.
pub(crate) fn chosen(names: &[&str], all: bool) -> Vec<&'static Row> {
    let rows = || ROWS.iter().copied().flatten();
    let left_out = if all { When::Quick } else { When::Full };
    let is_wanted = |row: &Row| match names {
        [] => row.when != left_out,
        // A whole name is that row alone, though it may be a part of another's.
        [name] if rows().any(|row| row.name == *name) => row.name == *name,
        parts => parts.iter().any(|part| row.name.contains(part)),
    };
    rows().filter(|row| is_wanted(row)).collect()
}
