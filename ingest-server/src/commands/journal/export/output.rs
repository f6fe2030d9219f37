//! Where an export goes: standard output, or a file that bears its name only when it is whole.

use crate::commands::CommandError;
use std::fs::{File, OpenOptions};
use std::io::{Stdout, Write};
use std::path::PathBuf;

pub(super) enum Output {
    Stdout(Stdout),
    File(Partial),
}

/// A file under way; it is removed where it does not come to its end.
pub(super) struct Partial {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    is_whole: bool,
}

impl Output {
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, CommandError> {
        let Some(path) = path else { return Ok(Self::Stdout(std::io::stdout())) };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It tells what visitors did, as the journal does.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).map_err(|error| {
            CommandError::Export(format!(
                "cannot write {}: {error}; name another --output",
                partial.display()
            ))
        })?;
        Ok(Self::File(Partial { file, partial, path, is_whole: false }))
    }

    pub(super) fn finish(mut self) -> std::io::Result<()> {
        match &mut self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => {
                out.file.sync_all()?;
                std::fs::rename(&out.partial, &out.path)?;
                out.is_whole = true;
                Ok(())
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_whole {
            // What is left of it says by its name that it is not whole.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out) => out.file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.file.flush(),
        }
    }
}
