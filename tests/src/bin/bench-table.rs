//! `bench-table`: the table of the rounds that `load` and `bare-producer` wrote.
//! It measures nothing.

use clap::Parser;
use footfall_tests::{Error, report, run};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints what the rounds measured, side by side.
#[derive(Parser)]
struct Arguments {
    /// Files that `load` wrote, in the order of the rounds
    #[arg(long, num_args = 1.., required = true)]
    server: Vec<PathBuf>,
    /// Files that `bare-producer` wrote, in the same order
    #[arg(long, num_args = 1.., required = true)]
    bare: Vec<PathBuf>,
    /// Print how long the answers of the first round took, of a load at a steady pace
    #[arg(long)]
    latencies: bool,
}

fn main() -> ExitCode {
    run::exit(print(&Arguments::parse()))
}

fn print(arguments: &Arguments) -> Result<(), Error> {
    let server = arguments.server.iter().map(|path| report::read(path)).collect::<Result<Vec<_>, _>>()?;
    let bare = arguments.bare.iter().map(|path| report::read(path)).collect::<Result<Vec<_>, _>>()?;
    let table = match (arguments.latencies, server.first(), bare.first()) {
        (true, Some(server), Some(bare)) => report::latencies(server, bare)?,
        _ => report::table(&server, &bare)?,
    };
    std::io::stdout().write_all(table.as_bytes()).map_err(Error::io("standard output"))
}
