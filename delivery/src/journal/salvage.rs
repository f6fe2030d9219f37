//! A journal whose file is damaged is moved aside whole, and what can be read of it goes into a new one.
//! So a damaged disk costs the rows that it damaged, and never keeps the server from starting or going on.
//!
//! The copy is made beside the journal, in `journal.salvaging.sqlite`, and is whole once it is called
//! `journal.salvaged.sqlite`: whoever opens the journal then puts it in its place. So a crash in between loses nothing.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::copy::salvage;
use super::database::Database;
use super::schema::open_error;
use super::{JournalSettings, private};
use crate::error::OpenError;

/// What became of a damaged journal.
#[derive(Debug)]
pub(super) struct Salvaged {
    pub(super) database: Database,
    /// Rows that could not be read.
    pub(super) lost: u64,
}

/// Opens the journal; a damaged one is replaced by what can be read of it.
pub(super) fn open(path: &Path, settings: &JournalSettings) -> Result<Salvaged, OpenError> {
    // An earlier process may have come no further.
    put_in_place(path)?;
    match Database::open(path, settings).and_then(|database| database.check(path)) {
        Ok(database) => Ok(Salvaged { database, lost: 0 }),
        Err(OpenError::DamagedJournal { reason, .. }) => replace(path, settings, &reason),
        Err(other) => Err(other),
    }
}

/// Replaces a damaged journal, which nobody writes meanwhile, by what can be read of it.
pub(super) fn replace(path: &Path, settings: &JournalSettings, reason: &str) -> Result<Salvaged, OpenError> {
    let salvaging = path.with_file_name("journal.salvaging.sqlite");
    for end in ENDS {
        remove(&with_end(&salvaging, end))?;
    }
    let mut copy = Database::open(&salvaging, settings)?;
    let (kept, lost) = salvage(path, &mut copy.connection).unwrap_or_else(|error| {
        tracing::error!("nothing more of the damaged journal can be read: {error}");
        (0, 0)
    });
    // Folds the log into the file, or there would be one that belongs to no file.
    copy.connection.close().map_err(|(_, error)| open_error(&salvaging, &error))?;
    let log = with_end(&salvaging, "-wal");
    if log.exists() {
        let source = std::io::Error::other("the log of the copy could not be folded into it");
        return Err(OpenError::Io { path: log, source });
    }
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
    let Ok(made) = salvaged.metadata().and_then(|copy| copy.modified()) else { return Ok(None) };
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

fn remove(path: &Path) -> Result<(), OpenError> {
    missing_is_fine(std::fs::remove_file(path), path)
}

fn missing_is_fine(done: std::io::Result<()>, path: &Path) -> Result<(), OpenError> {
    match done {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(OpenError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
