//! The memory on disk: files of entries that follow one another, the oldest deleted as a new one is begun.
//! An entry is written before its batch is answered, with those that are settled in the same moment, and not fsynced: it
//! outlives the process, not the machine, and how the last run ended (the file `running`) says how much may be missing.

use super::digest::Salt;
use super::entry::{Entry, KNOWN_BYTES};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file begins with this, the salt, the time when it was begun, and a CRC-32 over the three.
const MAGIC: &[u8; 8] = b"FtFlIds1";
const HEAD_BYTES: usize = 8 + 16 + 8 + 4;
/// Files that are kept: four full ones hold as many ids as the memory.
const KEPT: u64 = 5;

/// How the run before this one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastRun {
    /// There was none.
    None,
    /// It was stopped, and nothing is missing.
    Stopped,
    /// It was killed; what it had written is there.
    Killed,
    /// The machine went down, or a file is damaged or could not be written.
    Lost,
}

/// The files, open for writing; no other process has them.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    current: File,
    number: u64,
    bytes: u64,
    full_bytes: u64,
    /// Entries that are not written yet, each of a batch that is about to be answered.
    unwritten: Vec<u8>,
    pub(super) salt: Salt,
    _lock: File,
}

/// What was found on disk.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) files: Files,
    pub(super) last_run: LastRun,
    /// When the oldest file that was read was begun, in Unix milliseconds: all that was received before is not there.
    pub(super) begun_at: i64,
    /// Whether there was an older one.
    pub(super) begun_again: bool,
}

impl Files {
    /// Opens the files in `dir`, which is made where it is missing, and hands over every entry, oldest first.
    ///
    /// # Errors
    /// What the system says; that the files are another process's too.
    pub(super) fn open(dir: &Path, ids: usize, now: i64, mut each: impl FnMut(Entry)) -> io::Result<Found> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let lock = writer(&dir.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another process has them open"),
            fs::TryLockError::Error(error) => error,
        })?;
        let boot = boot_id();
        let was_running = match fs::read_to_string(running(dir)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let numbers = numbers(dir)?;
        let mut last_run = match was_running {
            None if numbers.is_empty() => LastRun::None,
            None => LastRun::Stopped,
            Some(text) if boot.as_ref() == Some(&text) => LastRun::Killed,
            Some(_) => LastRun::Lost,
        };
        // Until all is well: an open that fails halfway leaves a run without files, which is no clean one.
        let mut marker = writer(&running(dir))?;
        marker.set_len(0)?;

        let mut readable = Vec::new();
        let mut salt = None;
        for &number in numbers.iter().rev() {
            let Some((of_file, begun_at)) = read_head(&path(dir, number))? else { break };
            let follows = readable.last().is_none_or(|(after, _)| number + 1 == *after);
            if !follows || *salt.get_or_insert(of_file) != of_file {
                break;
            }
            readable.push((number, begun_at));
        }
        if readable.is_empty() && !numbers.is_empty() {
            last_run = LastRun::Lost;
        }
        let mut end = 0;
        for &(number, _) in readable.iter().rev() {
            let file = fs::read(path(dir, number))?;
            end = HEAD_BYTES;
            while let Some((entry, length)) = Entry::read(&file[end..]) {
                each(entry);
                end += length;
            }
            // A torn end is what a kill leaves; all else is damage.
            let is_newest = Some(&number) == numbers.last();
            if end < file.len() && !(is_newest && Entry::is_begun(&file[end..])) {
                last_run = LastRun::Lost;
            }
        }
        let salt = salt.unwrap_or_else(Salt::random);
        let full_bytes = (HEAD_BYTES + ids.div_ceil(KEPT as usize - 1) * KNOWN_BYTES) as u64;
        let (number, current, bytes) = match readable.first() {
            Some(&(number, _)) => {
                let file = OpenOptions::new().append(true).open(path(dir, number))?;
                file.set_len(end as u64)?;
                (number, file, end as u64)
            }
            None => {
                let number = numbers.last().map_or(1, |last| last + 1);
                (number, begin(dir, number, salt, now)?, HEAD_BYTES as u64)
            }
        };
        // On disk before any id is, so that a machine that goes down is not taken for a clean stop.
        marker.write_all(boot.unwrap_or_default().as_bytes())?;
        marker.sync_all()?;
        File::open(dir)?.sync_all()?;
        let dir = dir.to_owned();
        let files =
            Self { dir, current, number, bytes, full_bytes, unwritten: Vec::new(), salt, _lock: lock };
        let (first, begun_at) = readable.last().copied().unwrap_or((number, now));
        Ok(Found { files, last_run, begun_at, begun_again: first > 1 })
    }

    /// Takes an entry for the next [`Self::write`].
    pub(super) fn put(&mut self, entry: &Entry) {
        entry.write(&mut self.unwritten);
    }

    pub(super) fn has_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Writes what was put; begins a new file where this one is full.
    ///
    /// # Errors
    /// What the system says; some of it may be there.
    pub(super) fn write(&mut self, now: i64) -> io::Result<()> {
        if self.bytes >= self.full_bytes {
            self.current = begin(&self.dir, self.number + 1, self.salt, now)?;
            self.number += 1;
            self.bytes = HEAD_BYTES as u64;
            for number in numbers(&self.dir)?.into_iter().filter(|number| number + KEPT <= self.number) {
                fs::remove_file(path(&self.dir, number))?;
            }
        }
        self.current.write_all(&self.unwritten)?;
        self.bytes += self.unwritten.len() as u64;
        self.unwritten.clear();
        Ok(())
    }

    /// Notes that entries are missing from here on, for the next run.
    pub(super) fn give_up(self) {
        // Making a file shorter works on a full disk too; where it does not, the marker still says "running".
        if let Err(error) = writer(&running(&self.dir)).and_then(|marker| marker.set_len(0)) {
            tracing::warn!(%error, "the end of the batch ids on disk could not be noted");
        }
    }

    /// Ends the run cleanly: the next one will find everything.
    ///
    /// # Errors
    /// What the system says; the next run then knows that some may be missing.
    pub(super) fn close(self) -> io::Result<()> {
        self.current.sync_all()?;
        fs::remove_file(running(&self.dir))?;
        File::open(&self.dir)?.sync_all()
    }
}

fn running(dir: &Path) -> PathBuf {
    dir.join("running")
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.ids"))
}

/// The numbers of the files, oldest first.
fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(dir)? {
        let name = file?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".ids")?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Which batches came when is nobody else's business on this machine.
fn writer(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

fn begin(dir: &Path, number: u64, salt: Salt, now: i64) -> io::Result<File> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&salt.0);
    head.extend_from_slice(&now.to_le_bytes());
    head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    let mut file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path(dir, number))?;
    file.write_all(&head)?;
    Ok(file)
}

/// The salt of a file and when it was begun; `None` where it is not one of ours.
fn read_head(path: &Path) -> io::Result<Option<(Salt, i64)>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(parse_head(&head))
}

fn parse_head(head: &[u8]) -> Option<(Salt, i64)> {
    let (head, sum) = head.split_last_chunk()?;
    let (salt, begun_at) = head.strip_prefix(MAGIC)?.split_first_chunk()?;
    let begun_at = i64::from_le_bytes(*begun_at.first_chunk()?);
    (crc32fast::hash(head) == u32::from_le_bytes(*sum)).then_some((Salt(*salt), begun_at))
}

/// What changes each time the machine starts; `None` where the system does not tell.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
