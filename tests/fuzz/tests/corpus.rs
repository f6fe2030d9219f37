//! Every input that is kept, through its target: what a fuzzer has found once stays mended, and what it has reached
//! stays reached. Without a fuzzer, so that each run of the tests does it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use footfall_fuzz::TARGETS;
use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Bytes that all of them together may take in the repository.
const MOST_BYTES: usize = 600_000;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// What stands in a folder, in an order that is the same everywhere.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

#[test]
fn each_input_that_is_kept_breaks_no_promise() {
    let mut bytes_of_all = 0;
    for target in &TARGETS {
        let inputs = listed(&corpus().join(target.name));
        assert!(!inputs.is_empty(), "{} has no inputs", target.name);
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            bytes_of_all += bytes.len();
            let kept = catch_unwind(|| target.run(&bytes)).is_ok();
            assert!(
                kept,
                "{} breaks a promise: scripts/fuzz.sh {} {}",
                input.display(),
                target.name,
                input.display()
            );
        }
    }
    assert!(bytes_of_all <= MOST_BYTES, "{bytes_of_all} bytes: keep the smallest (scripts/fuzz.sh --keep)");
}

#[test]
fn each_folder_of_inputs_has_its_target() {
    let folders: BTreeSet<_> =
        listed(&corpus()).into_iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.into()).collect();
    assert_eq!(folders, targets);
}
