//! The command line: `serve`, `status`, `tail`, `export`, `replay`, `check-config`, `dead-letters`, with a flag for every setting in the table.
//! It only says what was asked; doing it is left to the modules of the commands.

mod journal;
mod letters;

use crate::commands::{Export, LetterTask, Replay, Status};
use crate::settings::{SETTINGS, Setting};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Run the server.
    Serve(Said),
    /// Say whether the settings are right.
    CheckConfig {
        /// The settings.
        said: Said,
        /// Whether Kafka is asked too.
        connect: bool,
    },
    /// Look into what was refused, or send it again.
    DeadLetters(Said, LetterTask),
    /// Write the journal's events to a file.
    Export(Said, Export),
    /// Send the journal's events to Kafka.
    Replay(Said, Replay),
    /// Ask a running server how it is.
    Status(Said, Status),
    /// Print the journal's events.
    Tail {
        /// The settings, of which only the data directory counts.
        said: Said,
        /// From the oldest event instead of the end.
        from_start: bool,
        /// Stop at the end instead of waiting for more.
        no_follow: bool,
    },
}

/// What the command line says about settings.
#[derive(Default, PartialEq, Eq)]
pub struct Said {
    /// The settings file.
    pub config: Option<PathBuf>,
    /// The values of the flags, by the setting's key.
    pub flags: BTreeMap<&'static str, Vec<String>>,
}

/// A flag may hold a password (`--kafka-properties`), so only the settings are named.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags: Vec<_> = self.flags.keys().collect();
        f.debug_struct("Said").field("config", &self.config).field("flags", &flags).finish()
    }
}

/// Reads the command line; on `--help`, `--version` or a mistake it prints and ends the process, as clap does.
pub fn read() -> Asked {
    asked(&command().get_matches())
}

/// The whole command line.
pub fn command() -> Command {
    let all = || SETTINGS.iter().filter(|setting| !setting.secret).map(arg);
    Command::new("footfall")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Takes events from browsers and makes them durable: in its own journal, or in Kafka")
        .after_help("Try it: footfall serve --write-key pk_demo")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("serve").about("Run the server").arg(config()).args(all()).after_help(
            "A flag wins over its environment variable, that over the file, that over the default.\n\
                 The log's detail is set by FOOTFALL_LOG (or RUST_LOG), for example FOOTFALL_LOG=debug.",
        ))
        .subcommand(
            Command::new("check-config")
                .about("Say what the settings come to, or what is wrong with them and where")
                .arg(config())
                .arg(
                    flag("connect")
                        .help("Ask Kafka too: login, topics, rights, replication, sizes; nothing is written"),
                )
                .args(all()),
        )
        .subcommand(letters::command())
        .subcommands(journal::commands())
        .subcommand(
            Command::new("tail")
                .about("Print the journal's events, one JSON line each, and wait for more")
                .arg(config())
                .args(SETTINGS.iter().filter(|setting| setting.key == "data_dir").map(arg))
                .arg(flag("from-start").help("Begin with the oldest event instead of the next one"))
                .arg(flag("no-follow").help("Stop at the end instead of waiting for more")),
        )
}

fn config() -> Arg {
    Arg::new("config")
        .long("config")
        .env("FOOTFALL_CONFIG")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("A settings file (TOML)")
}

fn arg(setting: &'static Setting) -> Arg {
    let default = setting.default.map(|default| format!(", default {default}")).unwrap_or_default();
    Arg::new(setting.key)
        .long(setting.flag())
        .value_name(setting.value_name)
        .action(if setting.list { ArgAction::Append } else { ArgAction::Set })
        .help(format!("{} [{}{default}]", setting.help, setting.env()))
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn asked(matches: &ArgMatches) -> Asked {
    match matches.subcommand() {
        Some(("check-config", matches)) => {
            Asked::CheckConfig { said: said(matches), connect: matches.get_flag("connect") }
        }
        Some(("dead-letters", matches)) => letters::asked(matches),
        Some(("tail", matches)) => Asked::Tail {
            said: said(matches),
            from_start: matches.get_flag("from-start"),
            no_follow: matches.get_flag("no-follow"),
        },
        Some((name, matches)) => journal::asked(name, matches).unwrap_or_else(|| Asked::Serve(said(matches))),
        None => Asked::Serve(Said::default()),
    }
}

fn said(matches: &ArgMatches) -> Said {
    let given = |setting: &Setting| {
        let values = matches.try_get_many::<String>(setting.key).ok().flatten()?;
        Some(values.cloned().collect())
    };
    Said {
        config: matches.get_one("config").cloned(),
        flags: SETTINGS.iter().filter_map(|setting| Some((setting.key, given(setting)?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Asked {
        asked(&command().try_get_matches_from(line.split(' ')).unwrap())
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_flags_that_others_build_on_are_read() {
        let line = "footfall serve --listen 127.0.0.1:1 --admin-listen 127.0.0.1:2 --data-dir d --write-key a \
                    --write-key b --kafka-brokers k:9092 --kafka-topic t";
        let Asked::Serve(said) = parse(line) else { panic!("not serve") };
        assert_eq!(said.flags["write_key"], ["a", "b"]);
        assert_eq!(said.flags["kafka.brokers"], ["k:9092"]);
        assert_eq!(said.flags.len(), 6);
        let Asked::Tail { said, from_start, no_follow } =
            parse("footfall tail --data-dir d --from-start --no-follow")
        else {
            panic!("not tail")
        };
        assert!(from_start && no_follow && said.flags["data_dir"] == ["d"]);
    }
}
