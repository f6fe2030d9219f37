//! `disk-write`: what the disk itself takes in a file that is written from its beginning to its end with an fsync after
//! each 8 MiB, which is what the journal's writer commits at most: the figure that the journal's is held to.
//! It prints bytes a second.

use clap::Parser;
use footfall_tests::{Error, run};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const GROUP_BYTES: usize = 8 << 20;

/// Measures the sequential, fsynced writes of the disk under a folder.
#[derive(Parser)]
struct Arguments {
    /// The folder
    folder: PathBuf,
    /// How much is written
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    mebibytes: usize,
}

fn main() -> ExitCode {
    run::exit(measure(&Arguments::parse()))
}

fn measure(arguments: &Arguments) -> Result<(), Error> {
    let path = arguments.folder.join("disk-write");
    let groups = (arguments.mebibytes << 20).div_ceil(GROUP_BYTES);
    // Bytes that no file system makes smaller.
    let mut group = vec![0; GROUP_BYTES];
    fastrand::Rng::with_seed(1).fill(&mut group);
    let write = || -> std::io::Result<f64> {
        let mut file = File::create(&path)?;
        let begun = Instant::now();
        for _ in 0..groups {
            file.write_all(&group)?;
            file.sync_data()?;
        }
        Ok((groups * GROUP_BYTES) as f64 / begun.elapsed().as_secs_f64())
    };
    let written = write();
    let removed = std::fs::remove_file(&path);
    let rate = written.and_then(|rate| removed.map(|()| rate)).map_err(Error::io(&path))?;
    writeln!(std::io::stdout(), "{rate:.0}").map_err(Error::io("standard output"))?;
    Ok(())
}
