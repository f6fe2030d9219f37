//! Files and directories that only their owner may read: they hold visitors' data.
//! What already exists keeps the mode that it was given.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the directory and its missing parents, with mode 0700; their names survive the loss of power.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    missing.into_iter().filter_map(Path::parent).for_each(sync_directory);
    Ok(())
}

/// Makes the names in a directory durable. SQLite does so for its own files, and for a directory nobody does. As there, a
/// file system that cannot is no error.
pub(super) fn sync_directory(path: &Path) {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if cfg!(unix)
        && let Err(error) = File::open(path).and_then(|directory| directory.sync_all())
    {
        tracing::debug!("the directory {} cannot be synced: {error}", path.display());
    }
}

/// Opens a file for writing, as it is; a missing one is made with mode 0600.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
