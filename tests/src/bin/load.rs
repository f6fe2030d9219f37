//! `load`: one round of the benchmark against a real server, with a look into the topic, or the journal, for each
//! acknowledged event. It ends with an error where one is not there exactly once; it judges no speed.

use clap::Parser;
use footfall_tests::ids::{self, Count};
use footfall_tests::journal;
use footfall_tests::load::{self, Plan};
use footfall_tests::report::{self, ServerRound};
use footfall_tests::topic::{Deadline, Range, TopicReader};
use footfall_tests::{Error, run};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Sends batches as the browser SDK would, and checks that the topic holds what was acknowledged.
#[derive(Parser)]
struct Arguments {
    /// The server's events address
    #[arg(long, default_value = "127.0.0.1:8080")]
    server: String,
    /// The server's process id
    #[arg(long)]
    server_pid: u32,
    /// The site's write key
    #[arg(long, default_value = "pk_demo")]
    write_key: String,
    /// Brokers that the server delivers to
    #[arg(long, required_unless_present_any = ["data_dir", "unchecked"])]
    brokers: Option<String>,
    /// The folder of the server's journal, where that is the store
    #[arg(long, value_name = "DIR", conflicts_with = "brokers")]
    data_dir: Option<PathBuf>,
    /// Do not look for what was acknowledged: it waits in an outbox, or goes by retention
    #[arg(long, conflicts_with_all = ["brokers", "data_dir"])]
    unchecked: bool,
    /// The topic that the server delivers to
    #[arg(long, default_value = "footfall.events")]
    topic: String,
    /// Kept-alive connections, each with one batch on the way
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Events in a batch
    #[arg(long, default_value_t = 20)]
    batch_events: usize,
    /// Pack the bodies with gzip
    #[arg(long)]
    gzip: bool,
    /// Send at a steady pace instead of as fast as it goes
    #[arg(long, value_name = "EVENTS_PER_SECOND")]
    pace: Option<u64>,
    /// Stop after that time
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Stop after that many events
    #[arg(long, default_value_t = 1_000_000)]
    max_events: u64,
    /// Give up reading the topic after that time
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    deadline: u64,
    /// Where to write what was measured
    #[arg(long)]
    report: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run::exit(round(Arguments::parse()).await)
}

async fn round(arguments: Arguments) -> Result<(), Error> {
    let topic = arguments.brokers.map(|brokers| TopicReader::new(&brokers, &arguments.topic)).transpose()?;
    let before = topic.as_ref().map(TopicReader::ranges).transpose()?.unwrap_or_default();
    let outcome = load::run(Plan {
        address: arguments.server,
        write_key: arguments.write_key,
        connections: arguments.connections,
        batch_events: arguments.batch_events,
        is_packed: arguments.gzip,
        duration: Duration::from_secs(arguments.seconds),
        max_events: arguments.max_events,
        events_per_second: arguments.pace,
        server_pid: arguments.server_pid,
    })
    .await?;
    let now = topic.as_ref().map(TopicReader::ranges).transpose()?.unwrap_or_default();
    let ranges = since(&before, &now);
    let deadline = Deadline::in_seconds(arguments.deadline, None);
    let acknowledged = &outcome.acknowledged;
    let count = match (&topic, &arguments.data_dir) {
        (Some(reader), _) => ids::count_in_topic(reader, &ranges, acknowledged, deadline)?,
        (None, Some(data_dir)) => journal::count_in_journal(data_dir, acknowledged)?,
        (None, None) => {
            Count { acknowledged: acknowledged.len() as u64, missing: 0, stored_twice: 0, records_read: 0 }
        }
    };
    let round = ServerRound {
        acknowledged: count.acknowledged,
        refused: outcome.refused,
        seconds: outcome.elapsed.as_secs_f64(),
        cpu_us: u64::try_from(outcome.server_cpu.as_micros()).unwrap_or(u64::MAX),
        latency_p50_us: outcome.latency_us(0.5),
        latency_p99_us: outcome.latency_us(0.99),
        latency_max_us: outcome.latency_us(1.0),
        peak_memory_bytes: outcome.peak_memory_bytes,
        ranges,
        count,
    };
    report::write(&arguments.report, &round)?;
    if count.acknowledged == 0 {
        return Err(Error::Promise(format!(
            "the server acknowledged nothing; {} events were refused",
            round.refused
        )));
    }
    if count.missing > 0 || count.stored_twice > 0 {
        return Err(Error::Promise(format!(
            "of {} acknowledged events {} are not stored and {} are stored more than once",
            count.acknowledged, count.missing, count.stored_twice
        )));
    }
    Ok(())
}

/// What was added to each partition.
fn since(before: &[Range], now: &[Range]) -> Vec<Range> {
    let end_before =
        |partition| before.iter().find(|range| range.partition == partition).map_or(0, |range| range.to);
    now.iter().map(|range| Range { from: end_before(range.partition), ..*range }).collect()
}
