//! `footfall export`: the journal's events as JSON Lines, CSV or Parquet, into a file or to standard output.
//! It holds one page at a time, or one row group of Parquet, however long the journal is.

mod columns;
mod csv;
mod output;
mod parquet;

use super::Selection;
use super::pages::Pages;
use crate::cli::Said;
use crate::commands::{CommandError, data_dir};
use columns::{Row, values};
use footfall_delivery::journal::JournalRow;
use output::Output;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// Rows in one read.
const ROWS: usize = 1_000;

/// What is exported, how and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which events.
    pub selection: Selection,
    /// In which form.
    pub format: Format,
    /// The file; standard output where none is named.
    pub output: Option<PathBuf>,
}

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Each record as it is, a line each.
    Jsonl,
    /// The columns that `docs/operating.md` names, after RFC 4180.
    Csv,
    /// The same columns, typed.
    Parquet,
}

/// Exports the events.
///
/// # Errors
/// [`CommandError`] where there is no journal, it cannot be read or the output cannot be written, and where rows had to
/// be left out: the others are exported all the same.
pub fn export(said: Said, export: Export) -> Result<(), CommandError> {
    let mut pages = Pages::open(&data_dir(said)?, &export.selection)?;
    if export.output.is_none() && export.format == Format::Parquet && std::io::stdout().is_terminal() {
        let words = "Parquet is not for a terminal: name a file with --output, or pass it on to a program";
        return Err(CommandError::Export(words.to_owned()));
    }
    let mut writer = Writer::new(export.format, Output::open(export.output)?)?;
    let (mut exported, mut unreadable) = (0, 0);
    while let Some(rows) = pages.next(ROWS)? {
        for row in rows.iter().filter(|row| export.selection.takes(&row.payload)) {
            match writer.row(row) {
                Ok(()) => exported += 1,
                Err(RowError::NoEvent(reason)) => {
                    unreadable += 1;
                    eprintln!(
                        "footfall: row {} is left out, it is no event as this version knows them: {reason}",
                        row.seq
                    );
                }
                // Whoever reads has seen enough.
                Err(RowError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(RowError::Output(source)) => return Err(failed(source)),
            }
        }
        pages.tell("exported", exported);
    }
    match writer.finish() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
        finished => finished.map_err(failed)?,
    }
    eprintln!("footfall: {exported} events exported");
    match pages.damaged + unreadable {
        0 => Ok(()),
        left_out => Err(CommandError::Export(format!("{left_out} rows are left out, for the reasons above"))),
    }
}

fn failed(source: std::io::Error) -> CommandError {
    CommandError::System { doing: "cannot write the export", source }
}

/// Why a row was not written.
enum RowError {
    NoEvent(String),
    Output(std::io::Error),
}

impl From<std::io::Error> for RowError {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// The output, in one of the forms.
enum Writer {
    Jsonl(BufWriter<Output>),
    Csv(BufWriter<Output>),
    Parquet(Box<parquet::Writer>),
}

impl Writer {
    fn new(format: Format, output: Output) -> Result<Self, CommandError> {
        Ok(match format {
            Format::Jsonl => Self::Jsonl(BufWriter::new(output)),
            Format::Csv => {
                let mut out = BufWriter::new(output);
                csv::write_head(&mut out).map_err(failed)?;
                Self::Csv(out)
            }
            Format::Parquet => Self::Parquet(Box::new(parquet::Writer::new(output).map_err(failed)?)),
        })
    }

    fn row(&mut self, row: &JournalRow) -> Result<(), RowError> {
        let of_columns = || -> Result<Row<'_>, RowError> { values(&row.payload).map_err(RowError::NoEvent) };
        match self {
            // A record is one line already.
            Self::Jsonl(out) => {
                out.write_all(&row.payload)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(out) => csv::write_row(out, &of_columns()?)?,
            Self::Parquet(writer) => writer.row(of_columns()?)?,
        }
        Ok(())
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Jsonl(out) | Self::Csv(out) => {
                out.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()
            }
            Self::Parquet(writer) => writer.finish()?.finish(),
        }
    }
}
