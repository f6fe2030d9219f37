//! The last warnings and errors of the log, for whoever asks how the server is.
//! They are what the log shows, cut and few, so that they cost a bounded memory.

use footfall_event_model::text::cut;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines that are kept; the oldest go.
const LINES: usize = 10;
/// Bytes of one that are kept.
const LINE_BYTES: usize = 500;

static RECENT: Mutex<VecDeque<LogLine>> = Mutex::new(VecDeque::new());

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When, in Unix milliseconds.
    pub at: i64,
    /// `WARN` or `ERROR`.
    pub level: String,
    /// The words, and the fields behind them.
    pub text: String,
}

/// The last warnings and errors, the oldest first.
pub fn recent() -> Vec<LogLine> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Keeps them.
pub(super) struct Recent;

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::WARN {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut lines = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        let whole = text.message + &text.fields;
        lines.push_back(LogLine {
            at: i64::try_from(at.as_millis()).unwrap_or(i64::MAX),
            level: event.metadata().level().to_string(),
            text: cut(&whole, LINE_BYTES).to_owned(),
        });
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
