//! `footfall status`: asks a running server how it is, and says it in words.
//! It reads the server's admin address and nothing of its files.

use super::{CommandError, one_setting};
use crate::cli::Said;
use crate::commands::Moment;
use crate::status::{KafkaStatus, ProducerStatus, Status as Told};
use axum::body::Bytes;
use bytesize::ByteSize;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long the server may take, and how much it may say.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES: usize = 1 << 20;

/// How the status is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// As JSON.
    pub json: bool,
}

/// Asks and tells.
///
/// # Errors
/// [`CommandError::Status`] where nothing answers, or the server is not ready.
pub fn status(said: Said, asked: Status) -> Result<(), CommandError> {
    let admin = one_setting(said, "admin_listen")?;
    let address = admin.parse().map_err(|_| {
        CommandError::Status(format!(
            "admin_listen is {admin:?}; it must be an address and a port, such as 127.0.0.1:8081"
        ))
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CommandError::System { doing: "cannot start", source })?;
    let address = reachable(address);
    let answer = runtime.block_on(async { tokio::time::timeout(TIMEOUT, get(address)).await });
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")));
    let body = answer.map_err(|reason| {
        CommandError::Status(format!(
            "no server answers at {address} (admin_listen): {reason}. Is it running, and is this its address?"
        ))
    })?;
    let told: Told = serde_json::from_slice(&body).map_err(|error| {
        CommandError::Status(format!("what answers at {address} is no Footfall of this version: {error}"))
    })?;
    let text = if asked.json { String::from_utf8_lossy(&body).into_owned() + "\n" } else { in_words(&told) };
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|source| CommandError::System { doing: "cannot print", source })?;
    match told.not_ready {
        None => Ok(()),
        Some(reason) => Err(CommandError::Status(format!("not ready: {reason}"))),
    }
}

/// A server that listens everywhere is here too.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

async fn get(address: SocketAddr) -> Result<Bytes, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = Request::get("/status").header("host", address.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    if status.is_success() { Ok(body) } else { Err(format!("it answers {status}")) }
}

fn in_words(told: &Told) -> String {
    let mut text = String::new();
    let mut line = |name: &str, words: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<10}{words}");
    };
    line(
        "Footfall",
        match &told.not_ready {
            None => format!("{}, ready, for {}", told.version, lasted(told.uptime_ms)),
            Some(reason) => format!("{}, NOT READY: {reason}", told.version),
        },
    );
    line("Kafka", told.kafka.as_ref().map_or_else(|| "not set: the journal is the store".to_owned(), kafka));
    if let Some(told) =
        told.kafka.as_ref().map(|kafka| &kafka.producer).filter(|told| told.round_trip_p50_us > 0)
    {
        line("Brokers", brokers(told));
    }
    let memory = &told.memory;
    let mut waiting = format!(
        "{} events, {} of {} in memory",
        memory.records,
        size(memory.used_bytes),
        size(memory.max_bytes)
    );
    if let Some(kafka) = &told.kafka {
        let _ = write!(waiting, "; {} rows of the journal for Kafka", kafka.waiting_rows);
    }
    line("Waiting", waiting);
    let journal = &told.journal;
    let share = journal.used_bytes * 100 / journal.max_bytes.max(1);
    let mut words = format!("{} of {} ({share} %)", size(journal.used_bytes), size(journal.max_bytes));
    if told.kafka.is_none() || journal.event_rows > 0 {
        let _ = write!(words, "; {} events stay in it", journal.event_rows);
    }
    for (count, what) in
        [(journal.expired_rows, "events went by retention"), (journal.damaged_rows, "rows are damaged")]
    {
        if count > 0 {
            let _ = write!(words, "; {count} {what}");
        }
    }
    line("Journal", words);
    let mut stored = format!("{} events since the start", told.stored_records);
    if told.failed_records > 0 {
        let _ = write!(stored, "; {} could not be stored", told.failed_records);
    }
    line("Stored", stored);
    if told.warnings.is_empty() {
        line("Warnings", "none since the start".to_owned());
    }
    for (number, warning) in told.warnings.iter().enumerate() {
        let name = if number == 0 { "Warnings" } else { "" };
        line(name, format!("{} {} {}", Moment(warning.at), warning.level, warning.text));
    }
    text
}

fn kafka(kafka: &KafkaStatus) -> String {
    let mut words = format!("{} for {}", kafka.state, lasted(kafka.lasted_ms));
    if kafka.oldest_unacknowledged_ms > 0 {
        let _ =
            write!(words, "; the oldest unacknowledged event waits {} ms", kafka.oldest_unacknowledged_ms);
    }
    for (count, what) in [
        (kafka.drained_records, "went from the journal to it"),
        (kafka.possible_duplicates, "may stand in it twice"),
        (kafka.set_aside_records, "it refused for good: see footfall dead-letters"),
        (kafka.lost_records, "are lost, as at-most-once allows"),
    ] {
        if count > 0 {
            let _ = write!(words, "; {count} {what}");
        }
    }
    words
}

/// How the way to Kafka was within the last seconds.
fn brokers(told: &ProducerStatus) -> String {
    let ms = |us: u64| format!("{:.1}", us as f64 / 1000.0);
    let mut words = format!(
        "answer within {} ms (99 of 100: {} ms); {} events on the way",
        ms(told.round_trip_p50_us),
        ms(told.round_trip_p99_us),
        told.records
    );
    if told.retries > 0 {
        let _ = write!(words, "; {} requests were sent again since the start", told.retries);
    }
    words
}

/// In seconds, without what is finer.
fn lasted(ms: u64) -> String {
    humantime::format_duration(Duration::from_secs(ms / 1000)).to_string()
}

fn size(bytes: u64) -> String {
    ByteSize::b(bytes).to_string()
}
