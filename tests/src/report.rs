//! What a round of the benchmark measured, as it goes from tool to tool in JSON files, and the table made of it.
//! Measuring is left to `load` and `produce`.

use crate::Error;
use crate::ids::Count;
use crate::topic::Range;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::Path;

/// Of one round against the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerRound {
    /// Events acknowledged with 200 and `accepted`.
    pub acknowledged: u64,
    /// Events that the server refused for good or wanted again.
    pub refused: u64,
    /// From the first request to the last answer, in seconds.
    pub seconds: f64,
    /// The server's processor time within that, in microseconds.
    pub cpu_us: u64,
    /// Half of the batches were answered within that many microseconds.
    pub latency_p50_us: u32,
    /// 99 of 100 batches were answered within that many microseconds.
    pub latency_p99_us: u32,
    /// And all of them within that many.
    pub latency_max_us: u32,
    /// The most memory that the server was seen to hold, in bytes.
    pub peak_memory_bytes: u64,
    /// Where the round's records stand in the topic.
    pub ranges: Vec<Range>,
    /// What the topic holds of the acknowledged events.
    pub count: Count,
}

/// Of one round of the bare producer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BareRound {
    /// Records acknowledged by the broker.
    pub acknowledged: u64,
    /// From the first send to the last acknowledgement, in seconds.
    pub seconds: f64,
    /// The producer's processor time within that, in microseconds.
    pub cpu_us: u64,
    /// Keys, headers' values and payloads, in bytes a record.
    pub bytes_per_record: u64,
    /// Half of the bursts were acknowledged, with all their records, within that many microseconds, where that was measured.
    #[serde(default)]
    pub latency_p50_us: Option<u32>,
    /// The same for 99 of 100.
    #[serde(default)]
    pub latency_p99_us: Option<u32>,
}

/// What `share` (0 to 1) of sorted times kept to; 0 where there are none.
pub fn at_share(sorted: &[u32], share: f64) -> u32 {
    let last = sorted.len().saturating_sub(1);
    let rank = (share * last as f64).round() as usize;
    sorted.get(rank.min(last)).copied().unwrap_or(0)
}

/// What a batch waits at the server beyond what the broker takes for its records, at the same pace.
///
/// # Errors
/// [`Error::Usage`] where the bare producer's times were not measured.
pub fn latencies(server: &ServerRound, bare: &BareRound) -> Result<String, Error> {
    let (Some(bare_p50), Some(bare_p99)) = (bare.latency_p50_us, bare.latency_p99_us) else {
        return Err(Error::Usage("the bare producer was not run at a steady pace".to_owned()));
    };
    let mut text =
        format!("{:.0} events a second   p50 ms   p99 ms\n", server.acknowledged as f64 / server.seconds);
    for (name, p50, p99) in [
        ("batch answered", f64::from(server.latency_p50_us), f64::from(server.latency_p99_us)),
        ("the same acknowledged, bare", f64::from(bare_p50), f64::from(bare_p99)),
        (
            "added by the server",
            f64::from(server.latency_p50_us) - f64::from(bare_p50),
            f64::from(server.latency_p99_us) - f64::from(bare_p99),
        ),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<26} {:>7.1}  {:>7.1}", p50 / 1000.0, p99 / 1000.0);
    }
    Ok(text)
}

/// Writes a round where the next tool finds it.
///
/// # Errors
/// [`Error::Io`], [`Error::Json`].
pub fn write(path: &Path, round: &impl Serialize) -> Result<(), Error> {
    let json =
        serde_json::to_vec_pretty(round).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    std::fs::write(path, json).map_err(Error::io(path))
}

/// Reads a round.
///
/// # Errors
/// [`Error::Io`], [`Error::Json`].
pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let json = std::fs::read(path).map_err(Error::io(path))?;
    serde_json::from_slice(&json).map_err(|source| Error::Json { path: path.to_owned(), source })
}

/// The table for people; the two lists are of the same rounds in the same order.
///
/// # Errors
/// [`Error::Usage`] where a list is empty or the lists differ in length.
pub fn table(server: &[ServerRound], bare: &[BareRound]) -> Result<String, Error> {
    if server.is_empty() || server.len() != bare.len() {
        let (of_server, of_bare) = (server.len(), bare.len());
        return Err(Error::Usage(format!(
            "a table needs as many rounds of the server as of the bare producer; there are {of_server} and {of_bare}"
        )));
    }
    let mut text = String::from(
        "round   events    events/s       CPU us/event     ratio   batch answered in ms\n\
         \x20       checked   server   bare  server   bare             p50     p99\n",
    );
    let mut ratios = Vec::new();
    let (mut ours, mut theirs, mut ours_rate, mut theirs_rate) = (vec![], vec![], vec![], vec![]);
    for (index, (round, bare)) in server.iter().zip(bare).enumerate() {
        let (server_cpu, bare_cpu) =
            (each(round.cpu_us, round.acknowledged), each(bare.cpu_us, bare.acknowledged));
        let (server_rate, bare_rate) =
            (round.acknowledged as f64 / round.seconds, bare.acknowledged as f64 / bare.seconds);
        let ratio = server_cpu / bare_cpu;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<6}{:>9} {:>8.0} {:>7.0} {:>6.2} {:>6.2} {:>8.2}x {:>10.1} {:>7.1}",
            index + 1,
            round.count.acknowledged,
            server_rate,
            bare_rate,
            server_cpu,
            bare_cpu,
            ratio,
            f64::from(round.latency_p50_us) / 1000.0,
            f64::from(round.latency_p99_us) / 1000.0,
        );
        ratios.push(ratio);
        ours.push(server_cpu);
        theirs.push(bare_cpu);
        ours_rate.push(server_rate);
        theirs_rate.push(bare_rate);
    }
    text.push_str("\n                                   min   median      max\n");
    for (name, mut values, digits) in [
        ("server, CPU us/acknowledged event", ours, 2),
        ("bare producer, CPU us/record", theirs, 2),
        ("ratio", ratios, 2),
        ("server, events/s", ours_rate, 0),
        ("bare producer, records/s", theirs_rate, 0),
    ] {
        values.sort_by(f64::total_cmp);
        let (low, middle, high) = (values.first(), values.get(values.len() / 2), values.last());
        if let (Some(low), Some(middle), Some(high)) = (low, middle, high) {
            let _ = writeln!(text, "{name:<33} {low:>5.digits$}   {middle:>6.digits$}   {high:>6.digits$}");
        }
    }
    let (acknowledged, missing, twice, refused) = server.iter().fold((0, 0, 0, 0), |sum, round| {
        let count = round.count;
        (sum.0 + count.acknowledged, sum.1 + count.missing, sum.2 + count.stored_twice, sum.3 + round.refused)
    });
    let bytes = bare.iter().map(|round| round.bytes_per_record).sum::<u64>() / bare.len() as u64;
    let _ = writeln!(
        text,
        "\n{acknowledged} events acknowledged and looked up in the topic: {missing} missing, {twice} stored twice; \
         {refused} refused.\nA record has {bytes} bytes (key, headers, payload)."
    );
    Ok(text)
}

fn each(total: u64, count: u64) -> f64 {
    total as f64 / (count.max(1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(cpu_us: u64) -> ServerRound {
        let count = Count { acknowledged: 1000, missing: 0, stored_twice: 0, records_read: 1000 };
        ServerRound {
            acknowledged: 1000,
            refused: 0,
            seconds: 0.5,
            cpu_us,
            latency_p50_us: 1500,
            latency_p99_us: 9000,
            latency_max_us: 9500,
            peak_memory_bytes: 0,
            ranges: vec![],
            count,
        }
    }

    fn bare() -> BareRound {
        let latency_p50_us = None;
        BareRound {
            acknowledged: 1000,
            seconds: 0.1,
            cpu_us: 2500,
            bytes_per_record: 900,
            latency_p50_us,
            latency_p99_us: None,
        }
    }

    #[test]
    fn the_ratio_is_of_the_medians_of_rounds_that_stand_side_by_side() {
        let text = table(&[server(10_000), server(5_000), server(7_500)], &[bare(), bare(), bare()])
            .expect("three rounds");
        let ratio = text.lines().find(|line| line.starts_with("ratio")).expect("a line for the ratio");
        let numbers: Vec<&str> = ratio.split_whitespace().skip(1).collect();
        assert_eq!(numbers, ["2.00", "3.00", "4.00"]);
        assert!(text.contains("3000 events acknowledged and looked up in the topic: 0 missing"), "{text}");
    }

    #[test]
    fn rounds_without_a_partner_are_refused() {
        assert!(table(&[server(1)], &[]).is_err());
    }
}
