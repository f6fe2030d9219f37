//! Processor time of a process, from Linux's `/proc/<pid>/stat` (proc(5)).
//! It counts user and system time of all threads; dividing it by events is left to the caller.

use crate::Error;
use std::time::Duration;

/// User plus system time that process `pid` has used so far, in steps of the kernel's clock tick (mostly 10 ms).
///
/// # Errors
/// [`Error::ProcessTime`] where there is no such process.
pub fn used_by(pid: u32) -> Result<Duration, Error> {
    let reason = |reason: String| Error::ProcessTime { pid, reason };
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| reason(error.to_string()))?;
    let ticks = ticks_in(&stat).ok_or_else(|| reason(format!("unknown form: {stat}")))?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_micros(ticks.saturating_mul(1_000_000) / per_second.max(1)))
}

/// `utime` + `stime`: fields 14 and 15, counted behind the name, which may hold blanks and brackets itself.
fn ticks_in(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_does_not_shift_the_fields() {
        let stat = "42 (a ) b (c) S 1 2 3 4 5 6 7 8 9 10 700 30 0 0 20 0 1 0";
        assert_eq!(ticks_in(stat), Some(730));
    }

    #[test]
    fn work_is_seen_as_used_time() {
        let pid = std::process::id();
        let before = used_by(pid).expect("our own process is there");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let mut value = 1u64;
        while used_by(pid).expect("our own process is there") <= before {
            for step in 0..1_000_000u64 {
                value = std::hint::black_box(value.wrapping_mul(step | 1));
            }
            assert!(std::time::Instant::now() < deadline, "30 s of work left no trace");
        }
    }

    #[test]
    fn a_missing_process_is_named() {
        let error = used_by(u32::MAX).expect_err("no process has that id");
        assert!(error.to_string().contains("4294967295"), "{error}");
    }
}
