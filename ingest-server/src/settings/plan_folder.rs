//! The folder of a tracking plan: which of its files are read, and how much of them.
//! What stands in them is read by `check::plan`; where the folder is, is said by the setting `plan`.

use super::checks::{PLAN_BYTES, told};
use super::source::Origin;
use super::{Problem, Reader};
use crate::check::plan::{Plan, PlanFile, TABLES};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Files and folders that a plan's folder may have, whatever they are.
const MOST_ENTRIES: usize = 4096;

impl Reader<'_> {
    /// Reads the plan in a folder; what else ends in `.json` is told to be none.
    pub(super) fn read_plan_folder(&mut self, origin: &Origin, folder: &Path) -> Option<Plan> {
        let shown = folder.display();
        let mut wrong = |message: String| self.problems.push(Problem::new(origin, message));
        if !folder.is_dir() {
            wrong(format!(
                "names {shown}; a plan of JSON Schemas is a folder with one for each event: name the folder"
            ));
            return None;
        }
        let files = match read(folder) {
            Ok(files) => files,
            Err(error) => {
                wrong(format!("names the tracking plan {shown}, which cannot be read: {error}"));
                return None;
            }
        };
        if files.is_empty() {
            wrong(format!(
                "names the tracking plan {shown}, a folder that has neither a JSON Schema such as purchase.schema.json \
                 nor a {TABLES}: put one for each event there"
            ));
            return None;
        }
        match Plan::parse_folder(&files) {
            Ok(plan) => Some(plan),
            Err(mistakes) => {
                let told = mistakes.into_iter().map(|(name, mistake)| told(&folder.join(name), mistake));
                self.problems.extend(told);
                None
            }
        }
    }
}

/// Reads the files that make up a plan, in the order of their names.
fn read(folder: &Path) -> io::Result<Vec<PlanFile>> {
    let mut names = Vec::new();
    for (before, entry) in fs::read_dir(folder)?.enumerate() {
        if before == MOST_ENTRIES {
            return Err(io::Error::other(format!("it has more than {MOST_ENTRIES} files")));
        }
        let name = entry?.file_name();
        // What is hidden belongs to editors and to whoever mounts the folder.
        let is_read = |name: &str| !name.starts_with('.') && (name.ends_with(".json") || name == TABLES);
        if is_read(&name.to_string_lossy()) {
            names.push(name.into_string().map_err(|name| {
                io::Error::other(format!("the name of its file {} is not UTF-8", name.display()))
            })?);
        }
    }
    names.sort();
    let (mut files, mut left) = (Vec::with_capacity(names.len()), PLAN_BYTES);
    for name in names {
        let text = read_file(&folder.join(&name), &mut left)
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        files.push(PlanFile { name, text });
    }
    Ok(files)
}

/// Reads a file, and takes its bytes off what is left.
fn read_file(path: &Path, left: &mut u64) -> io::Result<String> {
    // Opening a pipe would wait for somebody who writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(*left + 1).read_to_end(&mut bytes)? as u64;
    *left = left.checked_sub(read).ok_or_else(|| {
        io::Error::other(format!("with it the files have more than {PLAN_BYTES} bytes together"))
    })?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}
