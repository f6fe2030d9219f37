//! A batch: events that leave together, under one id that stays the same when they are sent again. Here are its form on
//! the wire (`docs/wire.md`) and its form in the browser's storage; key and priority travel in the query.

use super::text::{line, push_number};
use super::{Now, Priority};
use footfall_event_model::text::joined;

/// A batch is full at this size: two of them fit into the 64 KiB that all keepalive and beacon requests of a page may
/// weigh while they are under way (Fetch Standard, "HTTP-network-or-cache fetch"), one sent before and one on leaving.
const FULL_BYTES: usize = 30 * 1024;
/// The version of nobody: no event joins a batch of an earlier page.
const ELSEWHERE: u32 = u32::MAX;

/// Who and where, each as members of a JSON object, with a number that changes when they do. Only who may be empty.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) who: String,
    pub(super) who_version: u32,
    pub(super) page: String,
    pub(super) page_version: u32,
    pub(super) device: String,
}

/// An event on its way into a batch.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its members as JSON, without its context.
    pub(super) text: String,
    /// What it says in its own context; may be empty.
    pub(super) own: String,
    pub(super) priority: Priority,
    pub(super) category: usize,
}

/// Events of one visitor, one priority and one category of consent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: String,
    /// The context of its first event, as members of a JSON object.
    context: String,
    who_version: u32,
    page_version: u32,
    pub(super) priority: Priority,
    pub(super) category: usize,
    /// The members of each event, in order; never empty.
    pub(super) events: Vec<String>,
    /// It was sent at least once, so that it may have arrived; from then on no event joins it.
    pub(super) attempted: bool,
    /// It left without an answer: the server is asked before it is sent again.
    pub(super) unconfirmed: bool,
    /// The server can no longer tell whether it has it.
    pub(super) possible_duplicate: bool,
    /// Names the attempt that is under way; 0 where there is none.
    pub(super) handle: u64,
    /// On the monotonic clock: when it is to be sent, or, while it is under way, when that attempt is given up.
    pub(super) time_ms: u64,
    /// How many of its events the kept copy has; 0 where there is none.
    pub(super) kept: usize,
    /// The kept copy is not as it should be.
    pub(super) stale: bool,
    /// How many dropped events it reports, while it is under way.
    pub(super) reports: u64,
}

impl Batch {
    /// A batch that begins with an event.
    pub(super) fn new(id: String, entry: Entry, scope: &Scope, time_ms: u64) -> Self {
        let comma = if scope.who.is_empty() { "" } else { "," };
        let context = joined(&[&scope.device, ",", &scope.page, comma, &scope.who]);
        let mut batch = Self::empty(id, context, entry.priority, entry.category);
        batch.who_version = scope.who_version;
        batch.page_version = scope.page_version;
        batch.time_ms = time_ms;
        batch.events.push(with_context(entry.text, &entry.own, ""));
        batch
    }

    fn empty(id: String, context: String, priority: Priority, category: usize) -> Self {
        Self {
            id,
            context,
            who_version: ELSEWHERE,
            page_version: 0,
            priority,
            category,
            events: Vec::new(),
            attempted: false,
            unconfirmed: false,
            possible_duplicate: false,
            handle: 0,
            time_ms: 0,
            kept: 0,
            stale: true,
            reports: 0,
        }
    }

    /// Takes an event in, or gives it back where it does not belong here. One of another page says its own.
    pub(super) fn join(&mut self, entry: Entry, scope: &Scope, most: usize) -> Result<(), Entry> {
        let page = if self.page_version == scope.page_version { "" } else { &*scope.page };
        let bytes = entry.text.len() + entry.own.len() + page.len();
        let is_open = !self.attempted && self.events.len() < most;
        let belongs = self.who_version == scope.who_version
            && self.priority == entry.priority
            && self.category == entry.category;
        if !(is_open && belongs && self.context.len() + self.bytes() + bytes <= FULL_BYTES) {
            return Err(entry);
        }
        self.events.push(with_context(entry.text, &entry.own, page));
        self.stale = true;
        Ok(())
    }

    /// Splits off the later half, which is another batch with the same context.
    pub(super) fn split_off_half(&mut self, id: String) -> Self {
        let mut half = Self::empty(id, self.context.clone(), self.priority, self.category);
        half.events = self.events.split_off(self.events.len() / 2);
        half.possible_duplicate = self.possible_duplicate;
        half.time_ms = self.time_ms;
        half.attempted = true;
        half
    }

    /// Bytes of its events.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(String::len).sum()
    }

    /// The request body. `unconfirmed` are ids as JSON texts with commas between, `consent` is a JSON object, or empty.
    pub(super) fn body(&self, now: Now, unconfirmed: &str, consent: &str) -> String {
        let mut body = "{\"sent_at\":".to_owned();
        push_number(&mut body, now.unix_ms);
        if self.reports > 0 {
            body.push_str(",\"dropped\":");
            push_number(&mut body, self.reports);
        }
        for part in [",\"batch_id\":\"", &self.id, "\",\"unconfirmed\":[", unconfirmed, "],\"context\":{", &self.context] {
            body.push_str(part);
        }
        if !consent.is_empty() {
            body.push_str(",\"consent\":");
            body.push_str(consent);
        }
        body.push_str("},\"events\":[");
        for (at, event) in self.events.iter().enumerate() {
            body.push_str(if at > 0 { "},{" } else { "{" });
            body.push_str(event);
            if self.possible_duplicate {
                body.push_str(",\"possible_duplicate\":true");
            }
        }
        body.push_str("}]}");
        body
    }

    /// Its lines for the storage: its id, what it is, its context, its events.
    pub(super) fn lines(&self) -> String {
        let mut lines = joined(&[&self.id, "\n"]);
        for is in [self.priority == Priority::Key, self.attempted, self.possible_duplicate] {
            lines.push_str(if is { "1" } else { "0" });
        }
        push_number(&mut lines, self.category as u64);
        for text in [&self.context].into_iter().chain(&self.events) {
            lines.push_str("\n");
            lines.push_str(text);
        }
        lines
    }

    /// Reads what [`Batch::lines`] wrote, perhaps in an earlier version; nothing where it is no batch.
    pub(super) fn read(id: &str, mut lines: &str) -> Option<Self> {
        let [key, attempted, duplicate, category] = *line(&mut lines).as_bytes().first_chunk()?;
        let priority = if key == b'1' { Priority::Key } else { Priority::Normal };
        let context = line(&mut lines).to_owned();
        let mut batch = Self::empty(id.to_owned(), context, priority, usize::from(category.wrapping_sub(b'0')));
        while !lines.is_empty() {
            batch.events.push(line(&mut lines).to_owned());
        }
        // It may go to the server before anything of it is changed; what was sent is asked for first.
        batch.unconfirmed = attempted == b'1';
        batch.attempted = true;
        batch.possible_duplicate = duplicate == b'1';
        batch.kept = batch.events.len();
        (batch.kept > 0).then_some(batch)
    }
}

/// An event with what it says in a context of its own.
fn with_context(text: String, own: &str, page: &str) -> String {
    if own.len() + page.len() == 0 {
        return text;
    }
    let comma = if own.is_empty() || page.is_empty() { "" } else { "," };
    joined(&["\"context\":{", page, comma, own, "},", &text])
}
