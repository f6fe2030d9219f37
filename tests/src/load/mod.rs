//! Load on a real server: connections that send batches as the browser SDK would and note what was acknowledged.
//! Whether the acknowledged events are in the topic is left to `ids`, the table to `report`.

mod batch;
mod bodies;
mod connection;

use crate::Error;
use crate::ids::EventId;
use crate::report::at_share;
use crate::{process_cpu, process_memory};
use bodies::Bodies;
use connection::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What to send, and within which bounds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's address, such as `127.0.0.1:8080`.
    pub address: String,
    /// The site's write key.
    pub write_key: String,
    /// Connections, each with one batch on the way at a time.
    pub connections: usize,
    /// Events in a batch.
    pub batch_events: usize,
    /// Whether bodies are packed with gzip.
    pub is_packed: bool,
    /// No batch is begun after that time.
    pub duration: Duration,
    /// No batch is begun that would make more events than these.
    pub max_events: u64,
    /// Events a second over all connections; as many as go, where it is not said.
    pub events_per_second: Option<u64>,
    /// The server's process, to measure its processor time and its memory.
    pub server_pid: u32,
}

impl Plan {
    /// From one batch of a connection to its next, and from the first of one connection to that of the next, so that the
    /// batches of all are spread evenly.
    fn gaps(&self) -> Option<(Duration, Duration)> {
        let batches = self.events_per_second? as f64 / self.batch_events as f64;
        let between = Duration::from_secs_f64(1.0 / batches);
        Some((between * u32::try_from(self.connections).unwrap_or(u32::MAX), between))
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The ids that the server acknowledged.
    pub acknowledged: Vec<EventId>,
    /// Events that it refused for good or wanted again.
    pub refused: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// The server's processor time within that.
    pub server_cpu: Duration,
    /// The time of each answered batch in microseconds, sorted.
    pub latencies_us: Vec<u32>,
    /// The most memory that the server was seen to hold, in bytes.
    pub peak_memory_bytes: u64,
}

impl Outcome {
    /// The latency that `share` (0 to 1) of the batches kept to; 0 where nothing was answered.
    pub fn latency_us(&self, share: f64) -> u32 {
        at_share(&self.latencies_us, share)
    }
}

/// What one connection brings home.
#[derive(Debug, Default)]
struct Share {
    acknowledged: Vec<EventId>,
    refused: u64,
    latencies_us: Vec<u32>,
}

/// Opens all connections, then sends until a bound of the plan is reached and every answer is in.
///
/// # Errors
/// [`Error::Http`] where the server cannot be reached, breaks off or answers what is no answer;
/// [`Error::ProcessTime`]; [`Error::Usage`] for a plan that sends nothing.
pub async fn run(plan: Plan) -> Result<Outcome, Error> {
    let limit = footfall_event_model::limits::BATCH_EVENTS;
    if plan.connections == 0 || plan.batch_events == 0 || plan.batch_events > limit {
        return Err(Error::Usage(format!(
            "a load needs at least 1 connection and 1 to {limit} events a batch"
        )));
    }
    // Before any connection is open, which would wait meanwhile.
    let bodies: Vec<_> = (0..plan.connections).map(|_| Bodies::of(&plan)).collect();
    let mut connections = Vec::with_capacity(plan.connections);
    for bodies in bodies {
        let connection = Connection::open(&plan.address, &plan.write_key, plan.is_packed).await?;
        connections.push((connection, bodies));
    }
    let begun = Arc::new(AtomicU64::new(0));
    let cpu_before = process_cpu::used_by(plan.server_pid)?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, (connection, bodies)) in (0u32..).zip(connections) {
        tasks.spawn(send_until_bound(number, connection, bodies, plan.clone(), start, Arc::clone(&begun)));
    }
    let (end, ended) = oneshot::channel();
    let memory = tokio::spawn(process_memory::watch(plan.server_pid, ended));
    let mut outcome = Outcome {
        acknowledged: Vec::new(),
        refused: 0,
        elapsed: Duration::ZERO,
        server_cpu: Duration::ZERO,
        latencies_us: Vec::new(),
        peak_memory_bytes: 0,
    };
    while let Some(joined) = tasks.join_next().await {
        let share = joined
            .map_err(|error| Error::Http { url: plan.address.clone(), reason: error.to_string() })
            .and_then(|share| share)?;
        outcome.acknowledged.extend(share.acknowledged);
        outcome.refused += share.refused;
        outcome.latencies_us.extend(share.latencies_us);
    }
    outcome.elapsed = start.elapsed();
    outcome.server_cpu = process_cpu::used_by(plan.server_pid)?.saturating_sub(cpu_before);
    outcome.latencies_us.sort_unstable();
    drop(end);
    outcome.peak_memory_bytes = memory
        .await
        .map_err(|error| Error::Http { url: plan.address.clone(), reason: error.to_string() })
        .and_then(|peak| peak)?;
    Ok(outcome)
}

async fn send_until_bound(
    number: u32,
    mut connection: Connection,
    mut bodies: Bodies,
    plan: Plan,
    start: Instant,
    begun: Arc<AtomicU64>,
) -> Result<Share, Error> {
    let mut share = Share::default();
    let events = plan.batch_events as u64;
    let gaps = plan.gaps();
    let mut due = gaps.map(|(_, after)| start + after * number);
    while start.elapsed() < plan.duration
        && begun.fetch_add(events, Ordering::Relaxed) + events <= plan.max_events
    {
        // A batch that waited for the answer before it is counted from when it was due. One that was in time is counted
        // from when it is sent, as the bare producer's are: this side's timer rings up to a millisecond late.
        let missed = due.filter(|due| *due < Instant::now());
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        let batch = bodies.next();
        let sent = missed.unwrap_or_else(Instant::now);
        let answer = connection.send(batch.body).await?;
        due = due.zip(gaps).map(|(due, (next, _))| due + next);
        share.latencies_us.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        let refused = answer.refused_places(plan.batch_events);
        share.refused += refused.len() as u64;
        let accepted = batch.ids.iter().enumerate().filter(|(place, _)| !refused.contains(place));
        share.acknowledged.extend(accepted.map(|(_, id)| *id));
        if let Some(wait) = answer.retry_after {
            tokio::time::sleep(wait.min(plan.duration)).await;
        }
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_times() {
        let outcome = Outcome {
            acknowledged: vec![],
            refused: 0,
            elapsed: Duration::ZERO,
            server_cpu: Duration::ZERO,
            latencies_us: (1..=101).collect(),
            peak_memory_bytes: 0,
        };
        assert_eq!(
            (outcome.latency_us(0.5), outcome.latency_us(0.99), outcome.latency_us(1.0)),
            (51, 100, 101)
        );
    }
}
