//! A listening socket in the file system: made with its mode before anybody can connect, removed when it is closed.
//! What stands in its place is removed only where it is a socket that nobody listens on.

use crate::settings::UnixSettings;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// Why the socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum UnixError {
    /// There is something else.
    #[error("there is a file that is no socket; remove it, or name another path")]
    NotASocket,
    /// Somebody listens there.
    #[error("another process listens there; stop it, or name another path")]
    InUse,
    /// The system's own words.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A listening socket; its file goes with it.
#[derive(Debug)]
pub struct UnixSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Which file it is: somebody may have put another there.
    file: (u64, u64),
}

/// Listens on a socket at the path of the settings.
///
/// # Errors
/// [`UnixError`] where something else is there, or the folder cannot be written to.
pub fn listen(settings: &UnixSettings) -> Result<UnixSocket, UnixError> {
    let path = &settings.path;
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(UnixError::NotASocket),
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(UnixError::InUse),
        // It is replaced below, by a rename.
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    // Under another name until its mode is right: whoever may not connect never could.
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    if fs::symlink_metadata(&unfinished).is_ok_and(|there| there.file_type().is_socket()) {
        fs::remove_file(&unfinished)?;
    }
    let listener = UnixListener::bind(&unfinished)?;
    let placed = place(&unfinished, path, settings.mode);
    if placed.is_err() {
        // The error of the first step tells more than that of clearing up.
        let _ = fs::remove_file(&unfinished);
    }
    Ok(UnixSocket { listener, path: path.clone(), file: placed? })
}

fn place(unfinished: &Path, path: &Path, mode: u32) -> io::Result<(u64, u64)> {
    fs::set_permissions(unfinished, fs::Permissions::from_mode(mode))?;
    let file = fs::symlink_metadata(unfinished)?;
    fs::rename(unfinished, path)?;
    Ok((file.dev(), file.ino()))
}

impl UnixSocket {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let ours = |there: fs::Metadata| (there.dev(), there.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "cannot remove the socket {}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &Path) -> UnixSettings {
        UnixSettings { path: dir.join("footfall.sock"), mode: 0o660 }
    }

    #[tokio::test]
    async fn it_has_its_mode_and_goes_with_its_listener() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let socket = listen(&settings).unwrap();
        assert_eq!(fs::metadata(&settings.path).unwrap().permissions().mode() & 0o777, 0o660);
        assert!(matches!(listen(&settings), Err(UnixError::InUse)));
        drop(socket);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn only_what_is_dead_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        // The standard library's listener leaves its file behind, as a killed process does.
        drop(std::os::unix::net::UnixListener::bind(&settings.path).unwrap());
        let first = listen(&settings).unwrap();
        fs::remove_file(&settings.path).unwrap();
        let second = listen(&settings).unwrap();
        drop(first);
        assert!(settings.path.exists(), "the file was no longer the first one's");
        drop(second);
        fs::write(&settings.path, "a letter").unwrap();
        assert!(matches!(listen(&settings), Err(UnixError::NotASocket)));
        assert_eq!(fs::read_to_string(&settings.path).unwrap(), "a letter");
    }
}
