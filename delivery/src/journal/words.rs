//! SQLite's errors in words that tell which call of the system failed: its own say "disk I/O error" for all of them.
//! What follows from an error is decided where it is met.

use rusqlite::ffi;

/// The error, with the call that failed where SQLite knows it.
pub(super) fn in_words(error: &rusqlite::Error) -> String {
    let call = match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ) => "read",
        Some(ffi::SQLITE_IOERR_WRITE) => "write",
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => "fsync",
        Some(ffi::SQLITE_IOERR_TRUNCATE) => "truncate",
        Some(ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN) => {
            "its index in shared memory"
        }
        _ => return error.to_string(),
    };
    format!("{error} ({call})")
}
