//! How each tool starts and ends: its error becomes one line on stderr and exit status 1.
//! What a tool does is left to the tool.

use crate::Error;
use std::process::ExitCode;

/// Ends a tool: nothing to say where all went well, else the error in words.
pub fn exit(outcome: Result<(), Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
