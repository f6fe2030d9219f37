//! The binary `footfall`: reads the command line, does what it asks, and ends with an honest exit code.
//! Everything else is in the library.

use ingest_server::cli::{self, Asked};
use ingest_server::{commands, log, status};
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// For librdkafka and SQLite, too: what one thread takes, another gives back.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// A thread keeps at most so many pieces of each small size for itself, and not 200: some hundred records are taken and given back
/// at a time, and what was given back last is still in the processor's cache.
#[used]
#[allow(unsafe_code, reason = "jemalloc looks for a name, which nothing else here has")]
#[unsafe(export_name = "malloc_conf")]
static JEMALLOC_SETTINGS: &[u8; 27] = b"tcache_nslots_small_max:32\0";

fn main() -> ExitCode {
    log::start();
    status::started();
    let done = match cli::read() {
        Asked::Serve(said) => commands::serve(said),
        Asked::CheckConfig { said, connect } => commands::check_config(said, connect),
        Asked::DeadLetters(said, task) => commands::dead_letters(said, task),
        Asked::Export(said, export) => commands::export(said, export),
        Asked::Replay(said, replay) => commands::replay(said, replay),
        Asked::Status(said, asked) => commands::status(said, asked),
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
