//! How a line of the log looks: for a person, or as a JSON object for a machine that gathers lines.
//! The log begins before the settings are read, so the form can be changed while it is being written.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{self, Format, Full, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The form of the log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Words for a person.
    Text,
    /// One JSON object a line: `timestamp`, `level`, `message` and the line's own fields.
    Json,
}

static JSON: AtomicBool = AtomicBool::new(false);

impl LogFormat {
    /// Writes all further lines of this process in this form.
    pub fn apply(self) {
        JSON.store(self == Self::Json, Ordering::Relaxed);
    }
}

/// Both forms, of which the one that was asked for last is written.
pub(super) struct Either {
    text: Format<Full>,
    json: Format<Json>,
}

impl Default for Either {
    fn default() -> Self {
        let json = format::format().json().flatten_event(true).with_target(false);
        Self { text: format::format().with_target(false), json }
    }
}

impl<S, N> FormatEvent<S, N> for Either
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if JSON.load(Ordering::Relaxed) {
            self.json.format_event(context, writer, event)
        } else {
            self.text.format_event(context, writer, event)
        }
    }
}
