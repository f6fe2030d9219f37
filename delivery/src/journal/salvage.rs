//! A journal whose file is damaged is moved aside whole, and what can be read of it goes into a new one.
//! So a damaged disk costs the rows that it damaged. Where the copy cannot be written, nothing is moved: the damaged file
//! stays in its place, and whoever asked is told why.
//!
//! The copy is made beside the journal, in `journal.salvaging.sqlite`, and is whole once it is called
//! `journal.salvaged.sqlite`: whoever opens the journal then puts it in its place. So a crash in between loses nothing.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::copy::{Copied, CopyError, salvage};
use super::database::Database;
use super::schema::open_error;
use super::{JournalSettings, private};
use crate::error::OpenError;

/// What became of a damaged journal.
#[derive(Debug)]
pub(super) struct Salvaged {
    pub(super) database: Database,
    /// Rows that could not be read: at least so many.
    pub(super) lost: u64,
}

/// Opens the journal; a damaged one is replaced by what can be read of it.
///
/// # Errors
///
/// [`OpenError::DamagedJournal`] where it is damaged and could not be replaced; it stands as it did then.
pub(super) fn open(path: &Path, settings: &JournalSettings) -> Result<Salvaged, OpenError> {
    // An earlier process may have come no further.
    let resumed = put_in_place(path)?;
    if let Some(aside) = &resumed {
        tracing::error!(
            "the journal is damaged, as an earlier start found: it stands in {} now, and what could be read of it goes on",
            aside.display()
        );
    }
    match Database::open(path, settings).and_then(|database| database.check(path)) {
        // How many rows that cost, the earlier process knew.
        Ok(database) => Ok(Salvaged { database, lost: resumed.is_some().into() }),
        Err(OpenError::DamagedJournal { reason, .. }) => replace(path, settings, &reason),
        Err(other) => Err(other),
    }
}

/// Opens the journal as it stands where it could not be replaced, if nothing of that has begun.
pub(super) fn reopen(path: &Path, settings: &JournalSettings) -> Option<Database> {
    // A file that is not there would be made, and be empty.
    let is_untouched = path.is_file() && !salvaged(path).exists();
    is_untouched.then(|| Database::open(path, settings).ok()).flatten()
}

/// Replaces a damaged journal, which nobody writes meanwhile, by what can be read of it.
///
/// # Errors
///
/// As [`open`].
pub(super) fn replace(path: &Path, settings: &JournalSettings, reason: &str) -> Result<Salvaged, OpenError> {
    let salvaging = path.with_file_name("journal.salvaging.sqlite");
    remove_all(&salvaging)?;
    let Copied { kept, lost } = copy(path, &salvaging, settings).map_err(|words| {
        // What is left of it takes the room that is lacking.
        drop(remove_all(&salvaging));
        let reason =
            format!("{reason}; it stays where it is, since what can be read of it cannot be copied: {words}");
        OpenError::DamagedJournal { path: path.to_owned(), reason }
    })?;
    rename(&salvaging, &salvaged(path))?;
    let aside = put_in_place(path)?.unwrap_or_default();
    tracing::error!(
        kept,
        lost,
        "the journal is damaged ({reason}): it stands in {} now, and what could be read of it goes on",
        aside.display()
    );
    Ok(Salvaged { database: Database::open(path, settings)?, lost })
}

/// Makes a copy that is whole and on the disk, or says in words why not.
fn copy(path: &Path, salvaging: &Path, settings: &JournalSettings) -> Result<Copied, String> {
    // Its bound may have been lowered below what it holds.
    let unbound = JournalSettings { max_bytes: u64::MAX, ..settings.clone() };
    let copy = Database::open(salvaging, &unbound)
        .map_err(|error| CopyError::Copy(error.to_string()).to_string())?;
    let copied = salvage(path, &copy.connection).map_err(|error: CopyError| error.to_string())?;
    // Removes the log, or there would be one that belongs to no file.
    copy.connection.close().map_err(|(_, error)| open_error(salvaging, &error).to_string())?;
    if with_end(salvaging, "-wal").exists() {
        return Err("the log of the copy could not be folded into it".to_owned());
    }
    Ok(copied)
}

/// What belongs to a database's file, the file itself last.
const ENDS: [&str; 3] = ["-wal", "-shm", ""];

fn with_end(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

fn salvaged(path: &Path) -> PathBuf {
    path.with_file_name("journal.salvaged.sqlite")
}

/// Puts a copy that is whole in the place of the damaged file; says where that stands now.
fn put_in_place(path: &Path) -> Result<Option<PathBuf>, OpenError> {
    let salvaged = salvaged(path);
    let made = match salvaged.metadata().and_then(|copy| copy.modified()) {
        Ok(made) => made,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // It may be there, and a file that is newer must not take its place.
        Err(source) => return Err(OpenError::Io { path: salvaged, source }),
    };
    // The same name at each try, so that a file and its log stay together.
    let made_ms = made.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let aside = path.with_file_name(format!("journal.damaged-{made_ms}.sqlite"));
    // Renamed with its log, so that nothing of it is lost to whoever looks closer; and a log without its file would be
    // taken for the new one's.
    for end in ENDS {
        rename(&with_end(path, end), &with_end(&aside, end))?;
    }
    rename(&salvaged, path)?;
    Ok(Some(aside))
}

/// Renames a file for good; one that is not there is no error.
fn rename(from: &Path, to: &Path) -> Result<(), OpenError> {
    missing_is_fine(std::fs::rename(from, to), from)?;
    to.parent().into_iter().for_each(private::sync_directory);
    Ok(())
}

/// Removes a file with what belongs to it.
fn remove_all(path: &Path) -> Result<(), OpenError> {
    for end in ENDS {
        let file = with_end(path, end);
        missing_is_fine(std::fs::remove_file(&file), &file)?;
    }
    Ok(())
}

fn missing_is_fine(done: std::io::Result<()>, path: &Path) -> Result<(), OpenError> {
    match done {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(OpenError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
