//! `bare-producer`: sends the records of one round of the server into another topic with nothing but librdkafka.
//! Its processor time per record is what the server's is held against; the records are in memory before it counts.

use clap::Parser;
use footfall_tests::produce::Pace;
use footfall_tests::report::{self, ServerRound};
use footfall_tests::topic::{Deadline, TopicReader};
use footfall_tests::{Error, produce, run};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measures a bare librdkafka producer with the server's own records.
#[derive(Parser)]
struct Arguments {
    /// Brokers to read from and to produce to
    #[arg(long)]
    brokers: String,
    /// The topic that holds the server's records
    #[arg(long, default_value = "footfall.events")]
    source: String,
    /// The round whose records to send: the file that `load` wrote
    #[arg(long, value_name = "FILE")]
    round: PathBuf,
    /// The topic to produce to
    #[arg(long)]
    target: String,
    /// The codec, the same as the server's
    #[arg(long, default_value = "lz4")]
    compression: String,
    /// Send at a steady pace instead of as fast as it goes, and note how long it takes until all of a burst is
    /// acknowledged
    #[arg(long, value_name = "RECORDS_PER_SECOND")]
    pace: Option<u64>,
    /// Without a pace: send the records again and again for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 6, conflicts_with = "pace")]
    seconds: u64,
    /// Records that come at once at a steady pace
    #[arg(long, default_value_t = 20)]
    burst: usize,
    /// Send at most that many records: so many are held in memory
    #[arg(long, default_value_t = 300_000)]
    max_records: usize,
    /// Give up reading, and give up producing, after that time
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    deadline: u64,
    /// Where to write what was measured
    #[arg(long)]
    report: PathBuf,
}

fn main() -> ExitCode {
    run::exit(round(&Arguments::parse()))
}

fn round(arguments: &Arguments) -> Result<(), Error> {
    let server: ServerRound = report::read(&arguments.round)?;
    let reader = TopicReader::new(&arguments.brokers, &arguments.source)?;
    let deadline = Deadline::in_seconds(arguments.deadline, None);
    let records = produce::preload(&reader, &server.ranges, arguments.max_records, deadline)?;
    // The reader's threads would be measured, too.
    drop(reader);
    let pace = arguments.pace.map_or(Pace::Full(Duration::from_secs(arguments.seconds)), |per_second| {
        Pace::Steady { per_second, burst: arguments.burst.max(1) }
    });
    // Whoever runs something at the same time waits for this line.
    writeln!(std::io::stdout(), "sending {} records", records.len())
        .map_err(Error::io("the standard output"))?;
    let measured = produce::send_all(
        &arguments.brokers,
        &arguments.target,
        &arguments.compression,
        &records,
        pace,
        Duration::from_secs(arguments.deadline),
    )?;
    report::write(&arguments.report, &measured)
}
