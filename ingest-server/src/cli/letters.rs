//! The command line of `footfall dead-letters`: which letters are meant, and what is to be done with them.
//! It only says what was asked.

use super::{Asked, Said, arg, config, said};
use crate::commands::{LetterTask, Wanted};
use crate::settings::SETTINGS;
use clap::{Arg, ArgMatches, Command, value_parser};
use std::time::Duration;

pub(super) fn command() -> Command {
    let command = |name: &'static str| {
        // The settings are the server's: they say where the letters are.
        let settings = SETTINGS.iter().filter(|setting| !setting.secret);
        let settings = settings.map(|setting| arg(setting).hide(!setting.key.starts_with("data_dir")));
        Command::new(name).arg(config()).args(settings)
    };
    let to = Arg::new("to").long("to").value_name("URL").required(true);
    Command::new("dead-letters")
        .about("Look into the events that were refused, and send them again once the cause is mended")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            command("list").about("Print a line of JSON for each letter, the oldest first").args(wanted()),
        )
        .subcommand(
            command("show")
                .about("Print one letter: why it was refused, and the event as it came")
                .arg(Arg::new("id").value_name("ID").required(true).help("The id that list tells")),
        )
        .subcommand(
            command("replay")
                .about("Send letters to a running server, through all checks again, under their event ids")
                .arg(to.help("The server, such as http://127.0.0.1:8080"))
                .args(wanted()),
        )
}

fn wanted() -> [Arg; 4] {
    let option = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let duration = |text: &str| humantime::parse_duration(text).map_err(|error| error.to_string());
    [
        option("since", "DURATION").value_parser(duration).help("Only letters of the last 2h, 3d …"),
        option("code", "CODE").help("Only letters with this code, such as required"),
        option("event", "NAME").help("Only letters of events of this name"),
        option("limit", "COUNT").value_parser(value_parser!(usize)).help("At most this many"),
    ]
}

pub(super) fn asked(matches: &ArgMatches) -> Asked {
    let text = |matches: &ArgMatches, name: &str| matches.get_one::<String>(name).cloned();
    let wanted = |matches: &ArgMatches| Wanted {
        since: matches.get_one::<Duration>("since").copied(),
        code: text(matches, "code"),
        event: text(matches, "event"),
        limit: matches.get_one("limit").copied(),
    };
    let (matches, task) = match matches.subcommand() {
        Some(("show", matches)) => (matches, LetterTask::Show(text(matches, "id").unwrap_or_default())),
        Some(("replay", matches)) => {
            (matches, LetterTask::Replay(wanted(matches), text(matches, "to").unwrap_or_default()))
        }
        Some((_, matches)) => (matches, LetterTask::List(wanted(matches))),
        None => return Asked::DeadLetters(Said::default(), LetterTask::List(Wanted::default())),
    };
    Asked::DeadLetters(said(matches), task)
}
