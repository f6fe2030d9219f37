//! The binary `footfall`: reads the command line, does what it asks, and ends with an honest exit code.
//! Everything else is in the library.

use ingest_server::allocator::Allocator;
use ingest_server::cli::{self, Asked};
use ingest_server::{commands, log};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn main() -> ExitCode {
    log::start();
    let done = match cli::read() {
        Asked::Serve(said) => commands::serve(said),
        Asked::CheckConfig { said, connect } => commands::check_config(said, connect),
        Asked::DeadLetters(said, task) => commands::dead_letters(said, task),
        Asked::Tail { said, from_start, no_follow } => commands::tail(said, from_start, !no_follow),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("footfall: {error}");
            ExitCode::FAILURE
        }
    }
}
