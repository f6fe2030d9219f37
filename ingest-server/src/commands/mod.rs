//! What the binary can be asked to do, a file each.
//! Each ends with words for a person: what went wrong, and what would be right.

mod check_config;
mod dead_letters;
mod serve;
mod tail;

pub use check_config::check_config;
pub use dead_letters::{LetterTask, Wanted, dead_letters};
pub use serve::serve;
pub use tail::tail;

use crate::cli::Said;
use crate::server::RunError;
use crate::settings::{Problem, Settings, Sources};
use footfall_delivery::journal::ReadError;
use footfall_delivery::{OpenError, TopicError};

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
    /// Kafka is not as it must be.
    #[error("Kafka is not as it must be: {wrong} of the lines above are WRONG")]
    Connect {
        /// How many things are wrong.
        wrong: usize,
    },
    /// There is no dead letter of that id.
    #[error("there is no dead letter {0:?}; footfall dead-letters list tells the ids")]
    NoSuchLetter(String),
    /// Dead letters could not be sent again.
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
