//! Where the databases of places are, and how often their files are looked at.
//! Whether they are sound is told when they are opened.

use super::value::{non_empty, wait};
use super::{Problem, Reader};
use std::path::PathBuf;
use std::time::Duration;

/// The databases of places.
#[derive(Debug, Clone)]
pub struct GeoSettings {
    /// Files in the MaxMind DB format; none by default.
    pub files: Vec<PathBuf>,
    /// How often it is looked whether they have changed.
    pub check_interval: Duration,
}

impl Reader<'_> {
    pub(super) fn geo(&mut self) -> Option<GeoSettings> {
        let check_interval = self.one("geo.check_interval", wait);
        let mut files = Vec::new();
        if let Some(said) = self.sources.get("geo.files") {
            for text in &said.values {
                match non_empty(text) {
                    Ok(path) => files.push(PathBuf::from(path)),
                    Err(message) => {
                        self.problems.push(Problem::new(&said.origin, format!("is {text:?}; {message}")))
                    }
                }
            }
        }
        Some(GeoSettings { files, check_interval: check_interval? })
    }
}
