//! `footfall tail`: prints the journal's events, one JSON line each, while a server may be writing it.
//! It reads in short reads, so that it holds up nobody's checkpoint.

use super::{CommandError, data_dir};
use crate::cli::Said;
use footfall_delivery::OpenError;
use footfall_delivery::journal::{JournalReader, JournalRow};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

/// Rows in one read.
const ROWS: usize = 500;
/// How long to wait before looking again at a journal that has nothing new.
const PAUSE: Duration = Duration::from_millis(200);

/// Prints events until the end (`follow` off), until the reader of the output goes away, or for ever.
///
/// # Errors
/// [`CommandError`] where the data directory holds no journal or it cannot be read.
pub fn tail(said: Said, from_start: bool, follow: bool) -> Result<(), CommandError> {
    let data_dir = data_dir(said)?;
    let (mut reader, waited) = open(&data_dir, follow)?;
    // A journal that was waited for is new from its first event on.
    let mut after = if from_start || waited { 0 } else { reader.last_seq()? };
    let mut out = BufWriter::new(std::io::stdout().lock());
    loop {
        match reader.read_after(after, ROWS) {
            Ok(rows) => {
                let read = rows.len();
                for row in rows {
                    after = row.seq;
                    match print(&mut out, &row) {
                        Ok(()) => {}
                        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                        Err(source) => return Err(CommandError::System { doing: "cannot print", source }),
                    }
                }
                if read > 0 {
                    continue;
                }
                if !follow {
                    return Ok(());
                }
                std::thread::sleep(PAUSE);
                reader.follow();
            }
            // What is damaged costs no other: it is told, and the rest is printed.
            Err(error) => {
                let Some((last, _)) = error.passes_over() else { return Err(error.into()) };
                eprintln!("footfall: {error}");
                after = last;
            }
        }
    }
}

/// Opens the journal; one who follows may come before the server has made it.
fn open(data_dir: &Path, follow: bool) -> Result<(JournalReader, bool), CommandError> {
    let mut told = false;
    loop {
        match JournalReader::open(data_dir) {
            Err(OpenError::NoJournal { .. }) if follow => {
                if !told {
                    eprintln!("footfall: there is no journal in {} yet; waiting for one", data_dir.display());
                    told = true;
                }
                std::thread::sleep(PAUSE);
            }
            opened => return Ok((opened?, told)),
        }
    }
}

/// A record is one line of JSON already: whoever encoded it wrote no line break.
fn print(out: &mut impl Write, row: &JournalRow) -> std::io::Result<()> {
    out.write_all(&row.payload)?;
    out.write_all(b"\n")?;
    out.flush()
}
