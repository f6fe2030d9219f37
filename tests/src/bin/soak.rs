//! `soak`: a steady load on a real server for minutes, with a line for each: memory and latency, and at the end every
//! acknowledged event looked up in the topic. It ends with an error where one is missing, or where memory or latency grow.

use clap::Parser;
use footfall_tests::ids::{self, EventId};
use footfall_tests::load::{self, Plan};
use footfall_tests::topic::{Deadline, TopicReader};
use footfall_tests::{Error, admin, process_memory, run, steady};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Loads a server for a while and says whether it stays as it was.
#[derive(Parser)]
struct Arguments {
    /// The server's events address
    #[arg(long)]
    server: String,
    /// The server's admin address
    #[arg(long)]
    admin: String,
    /// The server's process id
    #[arg(long)]
    server_pid: u32,
    /// The site's write key
    #[arg(long, default_value = "pk_demo")]
    write_key: String,
    /// Brokers that the server delivers to
    #[arg(long)]
    brokers: String,
    /// The topic that the server delivers to
    #[arg(long, default_value = "footfall.events")]
    topic: String,
    /// How long
    #[arg(long, default_value_t = 20)]
    minutes: u32,
    /// The minute in which the broker is hurt, counted from 1: its latency is not judged, nor that of the next
    #[arg(long)]
    hurt_in: u32,
    /// Events a second
    #[arg(long, default_value_t = 1_000)]
    pace: u64,
    /// Kept-alive connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run::exit(soak(Arguments::parse()).await)
}

async fn soak(arguments: Arguments) -> Result<(), Error> {
    let mut acknowledged: Vec<EventId> = Vec::new();
    let mut minutes = Vec::new();
    say(steady::HEAD)?;
    for number in 1..=arguments.minutes {
        let outcome = load::run(Plan {
            address: arguments.server.clone(),
            write_key: arguments.write_key.clone(),
            connections: arguments.connections,
            batch_events: 20,
            is_packed: false,
            duration: Duration::from_secs(60),
            max_events: u64::MAX,
            events_per_second: Some(arguments.pace),
            server_pid: arguments.server_pid,
        })
        .await?;
        let minute = steady::Minute {
            number,
            events: outcome.acknowledged.len() as u64,
            refused: outcome.refused,
            p50_us: outcome.latency_us(0.5),
            p99_us: outcome.latency_us(0.99),
            max_us: outcome.latency_us(1.0),
            memory_bytes: process_memory::held_by(arguments.server_pid)?,
            is_hurt: number == arguments.hurt_in || number == arguments.hurt_in + 1,
        };
        say(&minute.to_string())?;
        minutes.push(minute);
        acknowledged.extend(outcome.acknowledged);
    }
    let kafka = admin::until_drained(&arguments.admin, Duration::from_secs(120)).await?;
    let reader = TopicReader::new(&arguments.brokers, &arguments.topic)?;
    let ranges = reader.ranges()?;
    let count = ids::count_in_topic(&reader, &ranges, &acknowledged, Deadline::in_seconds(300, None))?;
    say(&format!(
        "\n{} events acknowledged and looked up in the topic: {} missing, {} stored twice ({} told as possible)",
        count.acknowledged, count.missing, count.stored_twice, kafka.possible_duplicates
    ))?;
    let mut broken = steady::judge(&minutes);
    if count.acknowledged == 0 {
        broken.push("nothing was acknowledged".to_owned());
    }
    if count.missing > 0 {
        broken.push(format!("{} acknowledged events are not in the topic", count.missing));
    }
    if count.stored_twice > kafka.possible_duplicates {
        broken.push(format!("{} events are stored twice and were not told as possible", count.stored_twice));
    }
    if broken.is_empty() { Ok(()) } else { Err(Error::Promise(broken.join("; "))) }
}

fn say(line: &str) -> Result<(), Error> {
    writeln!(std::io::stdout(), "{line}").map_err(Error::io("standard output"))
}
