//! What must be known and never shown: passwords, salts, tokens, signing secrets.
//! A secret has no `Display`, its `Debug` hides it, and it is compared without telling by the time where it differs.

use std::fmt;
use std::path::Path;

/// Bytes of a secret's file that are read at most.
const FILE_BYTES: u64 = 64 * 1024;

/// A secret.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Makes a secret of a text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Reads a secret from a file; a line break at its end, which editors write, is no part of it.
    ///
    /// # Errors
    /// In words without the content, where the file cannot be read, is empty, above 64 KiB or no UTF-8.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        use std::io::Read;
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))?;
        if bytes.len() as u64 > FILE_BYTES {
            return Err(format!("the file {} is above {FILE_BYTES} bytes", path.display()));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| format!("the file {} is not UTF-8 text", path.display()))?;
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() {
            Err(format!("the file {} is empty", path.display()))
        } else {
            Ok(Self::new(text))
        }
    }

    /// The secret itself, for whoever has to use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether somebody said the secret; how long that takes depends on the lengths alone.
    pub fn is(&self, said: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), said.as_bytes());
        let differ = theirs.iter().enumerate().fold(ours.len() ^ theirs.len(), |differ, (at, byte)| {
            // Whatever is beyond ours is compared too, with a byte that is there.
            let ours = ours.get(at).or(ours.last()).copied().unwrap_or_default();
            std::hint::black_box(differ | usize::from(ours ^ byte))
        });
        differ == 0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_only_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("hunter2").count(), 0);
        assert!(secret.is("hunter2"));
        for wrong in ["", "hunter", "hunter3", "hunter22", "Hunter2", "hunter2\0"] {
            assert!(!secret.is(wrong), "{wrong:?}");
        }
        assert!(!Secret::new("").is("a"));
    }

    #[test]
    fn a_file_is_read_without_its_last_line_break() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        for (content, read) in [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), (" s \n\n", " s \n")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(Secret::from_file(&path).unwrap().reveal(), read);
        }
        for (content, wrong) in [(&b""[..], "is empty"), (b"\n", "is empty"), (b"\xff", "is not UTF-8 text")]
        {
            std::fs::write(&path, content).unwrap();
            assert!(Secret::from_file(&path).unwrap_err().contains(wrong));
        }
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(Secret::from_file(&path).unwrap_err().contains("is above"));
        assert!(Secret::from_file(&dir.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}
