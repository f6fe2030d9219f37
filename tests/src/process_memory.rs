//! How much memory another process holds (Linux: `VmRSS` in `/proc/PID/status`).
//! Processor time is `process_cpu`'s.

use crate::Error;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

const EVERY: Duration = Duration::from_millis(50);

/// What the process holds now, in bytes.
///
/// # Errors
/// [`Error::Io`] where there is no such process, [`Error::Usage`] where the system does not say.
pub fn held_by(pid: u32) -> Result<u64, Error> {
    let path = PathBuf::from(format!("/proc/{pid}/status"));
    let status = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    resident_in(&status).ok_or_else(|| Error::Usage(format!("{} does not tell VmRSS", path.display())))
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Notes the most that the process holds until the other end is dropped.
pub(crate) async fn watch(pid: u32, mut end: oneshot::Receiver<()>) -> Result<u64, Error> {
    let mut most = 0;
    loop {
        most = most.max(held_by(pid)?);
        tokio::select! {
            _ = &mut end => return Ok(most),
            () = sleep(EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t   12 kB\nThreads:\t1\n"), Some(12 * 1024));
        assert_eq!(resident_in("Name:\tx\n"), None);
        assert!(held_by(std::process::id()).expect("our own process is there") > 100 * 1024);
    }
}
