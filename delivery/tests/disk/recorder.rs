//! What SQLite asks of the disk under a directory, in order, with the marks of whoever uses it; and which calls are refused.
//! What a disk makes of it when the power goes is `image`'s.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file of the directory.
pub(crate) type Name = Arc<str>;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create(Name),
    Write {
        file: Name,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: Name,
        size: usize,
    },
    Sync(Name),
    /// The disk has said that it could not, and what was to be written may be there or not.
    SyncFailed(Name),
    SyncDirectory,
    Delete {
        file: Name,
        directory_synced: bool,
    },
    Mark(Mark),
}

/// What delivery has promised so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Records that were acknowledged: those below this number.
    pub(crate) acknowledged: usize,
    /// Of those, what went by retention: the first ones.
    pub(crate) expired: usize,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Write,
    Sync,
    /// Of the file alone, so that the log can be written and not be folded into it.
    SyncOfTheFile,
    Read,
    /// The disk has no room for the copy of a damaged journal, from this byte of it on.
    NoRoomForTheCopy(usize),
    /// It takes no byte of that.
    WriteOfTheCopy,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Taken,
    Failed,
    Full,
}

#[derive(Debug)]
struct State {
    directory: PathBuf,
    steps: Mutex<Vec<Step>>,
    fault: Mutex<Option<Fault>>,
    refused_reads: AtomicUsize,
}

/// The disk under one directory. It is watched until this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<State>);

static WATCHED: Mutex<Vec<Disk>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Watches the files that SQLite opens in this directory from now on.
    pub(crate) fn watch(directory: &Path) -> Self {
        super::vfs::register();
        let directory = directory.canonicalize().unwrap();
        let (steps, fault) = (Mutex::default(), Mutex::default());
        let disk = Self(Arc::new(State { directory, steps, fault, refused_reads: AtomicUsize::new(0) }));
        lock(&WATCHED).push(disk.clone());
        disk
    }

    /// Looks no longer, and gives what happened.
    pub(crate) fn steps(self) -> Vec<Step> {
        lock(&WATCHED).retain(|disk| !Arc::ptr_eq(&disk.0, &self.0));
        std::mem::take(&mut lock(&self.0.steps))
    }

    pub(crate) fn mark(&self, mark: Mark) {
        self.push(Step::Mark(mark));
    }

    /// From now on these calls fail, or none.
    pub(crate) fn refuse(&self, fault: Option<Fault>) {
        *lock(&self.0.fault) = fault;
    }

    pub(crate) fn refused_reads(&self) -> usize {
        self.0.refused_reads.load(Ordering::Relaxed)
    }

    fn refuses(&self, fault: Fault) -> bool {
        *lock(&self.0.fault) == Some(fault)
    }

    fn push(&self, step: Step) {
        lock(&self.0.steps).push(step);
    }

    pub(crate) fn deleted(&self, path: &Path, directory_synced: bool) {
        self.push(Step::Delete { file: name(path), directory_synced });
    }
}

/// The disk under this file, if it is watched.
pub(crate) fn is_watched(path: &Path) -> Option<Disk> {
    let directory = path.parent()?;
    lock(&WATCHED).iter().find(|disk| disk.0.directory == directory).cloned()
}

fn name(path: &Path) -> Name {
    path.file_name().unwrap().to_str().unwrap().into()
}

/// A file that SQLite has open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    disk: Disk,
    name: Name,
    /// Whether its first fsync makes its name durable too.
    syncs_directory: AtomicBool,
}

/// The file that was opened at this path, if it is watched.
pub(crate) fn file_of(path: &Path, is_made: bool, syncs_directory: bool) -> Option<OpenFile> {
    let disk = is_watched(path)?;
    let name = name(path);
    let is_known = lock(&disk.0.steps).iter().any(|step| matches!(step, Step::Create(made) if *made == name));
    // The journal makes its own file before SQLite opens it.
    if is_made || !is_known {
        disk.push(Step::Create(Arc::clone(&name)));
    }
    Some(OpenFile { disk, name, syncs_directory: AtomicBool::new(syncs_directory) })
}

impl OpenFile {
    pub(crate) fn refuses_read(&self) -> bool {
        let refused = self.disk.refuses(Fault::Read);
        self.disk.0.refused_reads.fetch_add(usize::from(refused), Ordering::Relaxed);
        refused
    }

    pub(crate) fn takes_write(&self, offset: usize, bytes: &[u8]) -> Write {
        let is_copy = self.name.starts_with("journal.salvaging");
        let fault = *lock(&self.disk.0.fault);
        match fault {
            Some(Fault::Write) => return Write::Failed,
            Some(Fault::WriteOfTheCopy) if is_copy => return Write::Failed,
            Some(Fault::NoRoomForTheCopy(room)) if is_copy && offset + bytes.len() > room => {
                return Write::Full;
            }
            _ => {}
        }
        let file = Arc::clone(&self.name);
        self.disk.push(Step::Write { file, offset, bytes: bytes.to_vec() });
        Write::Taken
    }

    pub(crate) fn truncated(&self, size: usize) {
        self.disk.push(Step::Truncate { file: Arc::clone(&self.name), size });
    }

    pub(crate) fn takes_sync(&self) -> bool {
        let name = Arc::clone(&self.name);
        let is_log = name.ends_with("-wal");
        if self.disk.refuses(Fault::Sync) || (!is_log && self.disk.refuses(Fault::SyncOfTheFile)) {
            self.disk.push(Step::SyncFailed(name));
            return false;
        }
        self.disk.push(Step::Sync(name));
        if self.syncs_directory.swap(false, Ordering::Relaxed) {
            self.disk.push(Step::SyncDirectory);
        }
        true
    }
}
