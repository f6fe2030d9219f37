//! The ids that a registry gave, in a file of the data directory: a schema keeps its id for ever, so that a start needs no
//! registry that answers. The file is a memory and no truth: one that cannot be read or written is told and gone without.

use footfall_event_model::BinaryFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "schema-ids.json";
/// More than our settings can name subjects, with long names.
const FILE_BYTES: u64 = 1 << 20;

/// What is known of one registry.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    known: Known,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    registry: String,
    ids: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    subject: String,
    /// SHA-256 of the schema's text, in hex: another schema has another id.
    schema: String,
    id: u32,
}

impl Kept {
    /// What is known of this registry.
    pub(super) fn read(data_dir: &Path, registry: &str) -> Self {
        let path = data_dir.join(FILE);
        let read = fs::metadata(&path).and_then(|found| match found.len() {
            0..=FILE_BYTES => fs::read(&path),
            _ => Err(std::io::Error::other(format!("it has more than {FILE_BYTES} bytes"))),
        });
        let known = read.and_then(|text| Ok(serde_json::from_slice::<Known>(&text)?));
        let known = known.unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(
                    "the schema ids in {} cannot be read and are asked for anew: {error}",
                    path.display()
                );
            }
            Known::default()
        });
        let known = Some(known).filter(|known| known.registry == registry);
        let known = known.unwrap_or_else(|| Known { registry: registry.to_owned(), ids: Vec::new() });
        Self { path, known }
    }

    /// The id that it gave, if it did.
    pub(super) fn of(&self, subject: &str, format: BinaryFormat) -> Option<u32> {
        let schema = fingerprint(format);
        let entry = self.known.ids.iter().find(|entry| entry.subject == subject && entry.schema == schema);
        entry.map(|entry| entry.id)
    }

    /// Remembers the id that it gives.
    pub(super) fn keep(&mut self, subject: &str, format: BinaryFormat, id: u32) {
        let schema = fingerprint(format);
        self.known.ids.retain(|entry| entry.subject != subject || entry.schema != schema);
        self.known.ids.push(Entry { subject: subject.to_owned(), schema, id });
    }

    /// Writes what is known into the data directory, which is there.
    pub(super) fn write(&self) {
        if let Err(error) = self.replace() {
            let path = self.path.display();
            tracing::warn!(
                "the schema ids cannot be kept in {path}; the next start needs the registry: {error}"
            );
        }
    }

    /// At once or not at all: a start that is killed leaves the file of the one before.
    fn replace(&self) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.known)?;
        let new = self.path.with_extension("json.new");
        let mut file = fs::File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

fn fingerprint(format: BinaryFormat) -> String {
    Sha256::digest(format.schema()).iter().map(|byte| format!("{byte:02x}")).collect()
}
