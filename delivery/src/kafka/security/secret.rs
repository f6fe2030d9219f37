//! A secret that may stand in a file, and is what that holds now. Nothing prints it.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file with a secret or a certificate is not read beyond this.
const FILE_BYTES: u64 = 1 << 20;

/// A secret, and the file that it came from, which is read again for each client that is made.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSecret {
    value: String,
    pub(super) file: Option<PathBuf>,
}

impl KafkaSecret {
    /// A secret that stays as it is.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), file: None }
    }

    /// A secret as it was read from this file; the white space around it does not count.
    pub fn from_file(value: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { value: value.into(), file: Some(file.into()) }
    }

    /// What the file holds now. One that cannot be read, or is empty, counts as unchanged: it is being written.
    pub(super) fn now(&self) -> String {
        let read = self.file.as_deref().and_then(read).and_then(|bytes| String::from_utf8(bytes).ok());
        match read.as_deref().map(str::trim) {
            None | Some("") => self.value.clone(),
            Some(secret) => secret.to_owned(),
        }
    }
}

/// Not the secret itself.
impl fmt::Debug for KafkaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KafkaSecret(…)")
    }
}

/// What a file holds, if it can be read.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
