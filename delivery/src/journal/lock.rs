//! The lock that keeps a second writer out of a data directory.
//! Readers need none.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::private;
use crate::error::OpenError;

/// Held as long as this process writes; the system gives it back even when the process is killed.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, OpenError> {
        let path = data_dir.join("journal.lock");
        let io = |source| OpenError::Io { path: path.clone(), source };
        let file = private::open_or_create(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { data_dir: data_dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}
