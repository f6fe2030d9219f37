//! `topic-dump`: prints the records of a topic, one JSON object a line: partition, offset, key, headers, payload.
//! For tests and for people who want to see what came; nothing is committed, so it can run any number of times.

use clap::Parser;
use footfall_tests::topic::{Deadline, End, TopicReader};
use footfall_tests::{Error, run};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Prints a topic from its start to its present end, one JSON object a line.
#[derive(Parser)]
struct Arguments {
    /// Brokers to ask, such as 127.0.0.1:9092
    #[arg(long)]
    brokers: String,
    /// The topic to print
    #[arg(long, default_value = "footfall.events")]
    topic: String,
    /// Go on with what comes, until stopped
    #[arg(long, conflicts_with = "until")]
    follow: bool,
    /// Wait until that many records have come, then stop
    #[arg(long, value_name = "RECORDS")]
    until: Option<u64>,
    /// Give up after that time
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    deadline: u64,
}

fn main() -> ExitCode {
    run::exit(dump(&Arguments::parse()))
}

fn dump(arguments: &Arguments) -> Result<(), Error> {
    let reader = TopicReader::new(&arguments.brokers, &arguments.topic)?;
    let (end, deadline) = match (arguments.follow, arguments.until) {
        (true, _) => (End::ByVisitor, None),
        (false, Some(0)) => return Ok(()),
        (false, until @ Some(_)) => (End::ByVisitor, Some(Deadline::in_seconds(arguments.deadline, until))),
        (false, None) => (End::OfRanges, Some(Deadline::in_seconds(arguments.deadline, None))),
    };
    let ranges = match end {
        End::OfRanges => reader.ranges()?,
        End::ByVisitor => reader.ranges_when_there(deadline.map(|deadline| deadline.at))?,
    };
    let mut out = std::io::stdout().lock();
    let mut printed = 0;
    let read = reader.read(&ranges, end, deadline, |message| {
        // A line is flushed at once: who follows wants to see it, and a pipe would hold it back.
        writeln!(out, "{}", line(message))
            .and_then(|()| out.flush())
            .map_err(Error::io("standard output"))?;
        printed += 1;
        Ok(if arguments.until == Some(printed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    match read {
        // `topic-dump | head` ends it, as with any filter.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

fn line(message: &BorrowedMessage<'_>) -> Value {
    let headers: Map<String, Value> = message
        .headers()
        .map(|headers| headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect())
        .unwrap_or_default();
    json!({
        "partition": message.partition(),
        "offset": message.offset(),
        "key": text(message.key()),
        "headers": headers,
        "payload": message.payload().map_or(Value::Null, payload),
    })
}

fn text(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| Value::from(String::from_utf8_lossy(bytes)))
}

/// The payload as JSON where it is JSON, else as text.
fn payload(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| text(Some(bytes)))
}
