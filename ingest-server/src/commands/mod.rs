//! What the binary can be asked to do, a file each.
//! Each ends with words for a person: what went wrong, and what would be right.

mod check_config;
mod dead_letters;
mod journal;
mod serve;
mod status;
mod tail;

pub use check_config::check_config;
pub use dead_letters::{LetterTask, Wanted, dead_letters};
pub use journal::{Export, Format, Moment, Replay, Selection, export, replay};
pub use serve::serve;
pub use status::{Status, status};
pub use tail::tail;

use crate::cli::Said;
use crate::format::registry::RegistryError;
use crate::server::RunError;
use crate::settings::{Problem, Settings, Sources};
use footfall_delivery::journal::ReadError;
use footfall_delivery::{OpenError, TopicError};
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The settings are wrong.
    #[error("the settings are wrong:\n{}", list(.0))]
    Settings(Vec<Problem>),
    /// The server could not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The topic could not be read.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The schema has no id in its registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Kafka is not as it must be.
    #[error("Kafka is not as it must be: {wrong} of the lines above are WRONG")]
    Connect {
        /// How many things are wrong.
        wrong: usize,
    },
    /// There is no dead letter of that id.
    #[error("there is no dead letter {0:?}; footfall dead-letters list tells the ids")]
    NoSuchLetter(String),
    /// An export is not what was asked for.
    #[error("{0}")]
    Export(String),
    /// A server does not answer or is not ready.
    #[error("{0}")]
    Status(String),
    /// Dead letters or events could not be sent again.
    #[error("{0}")]
    Replay(String),
    /// Something of the system's failed.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// The system's own words.
        source: std::io::Error,
    },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}

/// Gathers what was said on the command line, in the environment and in the file.
fn gather(said: Said, problems: &mut Vec<Problem>) -> Sources {
    let mut not_text = Vec::new();
    let env: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter_map(|(name, value)| match value.into_string() {
            Ok(value) => Some((name, value)),
            Err(_) => {
                not_text.push(name);
                None
            }
        })
        .collect();
    // A setting is not left out in silence, and its value, which may be a secret, is not repeated.
    let ours = not_text.into_iter().filter(|name| name.starts_with("FOOTFALL_"));
    problems.extend(ours.map(|name| Problem { place: name, message: "is not UTF-8".to_owned() }));
    let env = env.into_iter();
    Sources::gather(said.flags, env, said.config.as_deref(), problems)
}

fn settings(said: Said) -> Result<(Settings, Sources), CommandError> {
    let mut problems = Vec::new();
    let sources = gather(said, &mut problems);
    match Settings::resolve(&sources, &mut problems) {
        Some(settings) => Ok((settings, sources)),
        None => Err(CommandError::Settings(problems)),
    }
}

/// One setting of a command that needs no other, so that none may stand in the way; a file that was named must be there.
fn one_setting(said: Said, key: &'static str) -> Result<String, CommandError> {
    let mut problems = Vec::new();
    let file = said.config.as_ref().map(|path| path.display().to_string());
    let sources = gather(said, &mut problems);
    if file.is_some_and(|file| problems.iter().any(|problem| problem.place == file)) {
        return Err(CommandError::Settings(problems));
    }
    match sources.get(key).and_then(|said| said.values.into_iter().next_back()) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(CommandError::Settings(problems)),
    }
}

/// Runs what waits for a network, in a command that is not a server.
fn wait_for<T>(future: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|source| CommandError::System { doing: "cannot start a runtime", source })?;
    Ok(runtime.block_on(future))
}

fn data_dir(said: Said) -> Result<PathBuf, CommandError> {
    one_setting(said, "data_dir").map(PathBuf::from)
}
