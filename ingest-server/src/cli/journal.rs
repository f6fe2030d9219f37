//! The command lines of `footfall export`, `footfall replay` and `footfall status`.
//! They only say what was asked.

use super::{Asked, arg, config, flag, said};
use crate::commands::{Export, Format, Moment, Replay, Selection, Status};
use crate::settings::SETTINGS;
use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Events a second that `replay` sends where nothing else is said.
const RATE: &str = "5000";

pub(super) fn commands() -> [Command; 3] {
    let only = |key: &'static str| SETTINGS.iter().filter(move |setting| setting.key == key).map(arg);
    let export = Command::new("export")
        .about("Write the journal's events as JSON Lines, CSV or Parquet, while a server may be running")
        .arg(config())
        .args(only("data_dir"))
        .arg(
            option("format", "FORMAT")
                .value_parser(EnumValueParser::<Format>::new())
                .default_value("jsonl")
                .help("jsonl, csv or parquet"),
        )
        .arg(moment("since").help("Only events stored since 2h ago, or since 2026-11-26T08:00:00Z"))
        .args(selected())
        .arg(
            option("output", "FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The file; it bears that name once it is whole. Standard output without it"),
        );
    let settings = SETTINGS.iter().filter(|setting| !setting.secret);
    let settings = settings.map(|setting| {
        let is_shown = ["data_dir", "kafka.brokers", "kafka.topic"].contains(&setting.key);
        arg(setting).hide(!is_shown)
    });
    let replay = Command::new("replay")
        .about("Send the journal's events to Kafka, in order, under their ids; it can be repeated")
        .arg(config())
        .args(settings)
        .arg(flag("to-kafka").required(true).help("To the Kafka of the settings"))
        .arg(moment("since").required(true).help("Events stored since 2h ago, or since 2026-11-26T08:00:00Z"))
        .args(selected())
        .arg(option("limit", "COUNT").value_parser(value_parser!(u64)).help("At most this many"))
        .arg(
            option("rate", "COUNT")
                .value_parser(value_parser!(NonZeroU32))
                .default_value(RATE)
                .help("Events a second"),
        );
    let status = Command::new("status")
        .about("Say how a running server is: Kafka, the journal, what waits, the last warnings")
        .arg(config())
        .args(only("admin_listen"))
        .arg(flag("json").help("As JSON, as GET /status on the admin address answers"))
        .after_help("The exit code is 0 where the server answers and is ready.");
    [export, replay, status]
}

fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

fn moment(name: &'static str) -> Arg {
    option(name, "MOMENT").value_parser(|text: &str| text.parse::<Moment>())
}

fn selected() -> [Arg; 2] {
    [
        moment("until").help("Only events stored before"),
        option("event", "NAME").help("Only events of this name, or of this type where they have none"),
    ]
}

pub(super) fn asked(name: &str, matches: &ArgMatches) -> Option<Asked> {
    let selection = || Selection {
        since: matches.get_one("since").copied(),
        until: matches.get_one("until").copied(),
        event: matches.get_one::<String>("event").cloned(),
    };
    Some(match name {
        "export" => Asked::Export(
            said(matches),
            Export {
                selection: selection(),
                format: matches.get_one("format").copied()?,
                output: matches.get_one("output").cloned(),
            },
        ),
        "replay" => Asked::Replay(
            said(matches),
            Replay {
                selection: selection(),
                limit: matches.get_one("limit").copied(),
                rate: matches.get_one("rate").copied()?,
            },
        ),
        "status" => Asked::Status(said(matches), Status { json: matches.get_flag("json") }),
        _ => return None,
    })
}
