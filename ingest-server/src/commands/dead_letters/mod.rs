//! `footfall dead-letters`: looks into what was refused, in the journal or in the topic, and sends it again.
//! Nothing is changed where the letters are kept: they go by themselves, the oldest first.

mod again;
mod letter;
mod refused_by_kafka;
mod replay;

use super::{CommandError, settings};
use crate::cli::Said;
use crate::settings::Settings;
use crate::stamp::unix_ms;
use footfall_delivery::TopicReader;
use footfall_delivery::journal::JournalReader;
use letter::Letter;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

/// Letters that are read from the journal at a time.
const ROWS: usize = 200;

/// Which letters are meant; all that fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those that are no older.
    pub since: Option<Duration>,
    /// Those that were refused with this code first.
    pub code: Option<String>,
    /// Those of events of this name.
    pub event: Option<String>,
    /// At most this many, the oldest first.
    pub limit: Option<usize>,
}

/// What is to be done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterTask {
    /// A line of JSON for each.
    List(Wanted),
    /// All of one, by its id.
    Show(String),
    /// Send them to this server.
    Replay(Wanted, String),
}

/// Does it.
///
/// # Errors
/// [`CommandError`] where the letters cannot be read, the server cannot be reached, or it refuses one again.
pub fn dead_letters(said: Said, task: LetterTask) -> Result<(), CommandError> {
    let (settings, _) = settings(said)?;
    match task {
        LetterTask::List(wanted) => each(&settings, &wanted, |letter| print(&letter.line().to_string())),
        LetterTask::Show(id) => {
            let mut found = false;
            each(&settings, &Wanted::default(), |letter| {
                if letter.id() != Some(&id) {
                    return Ok(ControlFlow::Continue(()));
                }
                found = true;
                print(&letter.whole()).map(|_| ControlFlow::Break(()))
            })?;
            if found { Ok(()) } else { Err(CommandError::NoSuchLetter(id)) }
        }
        LetterTask::Replay(wanted, to) => replay::replay(&settings, &wanted, &to),
    }
}

/// Hands over the letters that are wanted, one after the other, until there are no more or it was enough.
fn each(
    settings: &Settings,
    wanted: &Wanted,
    mut take: impl FnMut(Letter) -> Result<ControlFlow<()>, CommandError>,
) -> Result<(), CommandError> {
    let since = wanted.since.map(|since| unix_ms(SystemTime::now()) - since.as_millis() as i64);
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    let mut step = |letter: Letter| -> Result<ControlFlow<()>, CommandError> {
        let fits = since.is_none_or(|since| letter.received_at() >= since)
            && wanted.code.as_deref().is_none_or(|code| letter.text("code") == Some(code))
            && wanted.event.as_deref().is_none_or(|event| letter.event() == Some(event));
        if left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        if !fits {
            return Ok(ControlFlow::Continue(()));
        }
        left -= 1;
        take(letter)
    };
    if let Some(kafka) = &settings.delivery.kafka {
        let mut reader = TopicReader::open(kafka, &kafka.dead_letter_topic())?;
        while let Some(record) = reader.next_record()? {
            if step(Letter::new(record.key, record.headers, record.payload))?.is_break() {
                break;
            }
        }
        return Ok(());
    }
    let reader = JournalReader::open(&settings.delivery.data_dir)?;
    let mut after = 0;
    loop {
        let rows = match reader.read_dead_letters_after(after, ROWS) {
            Ok(rows) => rows,
            // What is damaged costs no other.
            Err(error) => {
                let Some((last, _)) = error.passes_over() else { return Err(error.into()) };
                eprintln!("footfall: {error}");
                after = last;
                continue;
            }
        };
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.seq;
        for row in rows {
            if step(Letter::new(row.key, row.headers, row.payload))?.is_break() {
                return Ok(());
            }
        }
    }
}

/// Prints a line; a reader of the output who goes away has seen enough.
fn print(line: &str) -> Result<ControlFlow<()>, CommandError> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(source) => Err(CommandError::System { doing: "cannot print", source }),
    }
}
