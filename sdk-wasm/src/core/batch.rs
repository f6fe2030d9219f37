//! A batch: events that leave together, under one id that stays the same when they are sent again. Here are its form on
//! the wire (`docs/wire.md`) and its form in the browser's storage; key and priority travel in the query.

use super::text::{add_line, line};
use super::{Now, Priority};
use footfall_event_model::text::{joined, push_number};

/// A batch is full at this size: two of them fit into the 64 KiB that all keepalive and beacon requests of a page may
/// weigh while they are under way (Fetch Standard, "HTTP-network-or-cache fetch"), one sent before and one on leaving.
const FULL_BYTES: usize = 30 * 1024;
/// Besides its members, what a context of its own and the line cost an event: `"context":{,},` and a line break.
const CONTEXT_BYTES: usize = 15;
/// The version of nobody: no event joins a batch of an earlier page.
const ELSEWHERE: u32 = u32::MAX;

/// Who and where, each as members of a JSON object, with a number that changes when they do. Only who may be empty.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) who: String,
    pub(super) who_version: u32,
    pub(super) page: String,
    pub(super) page_version: u32,
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

impl Entry {
    /// How many bytes it may become.
    pub(super) fn bytes(&self, scope: &Scope) -> usize {
        self.text.len() + self.own.len() + scope.page.len() + CONTEXT_BYTES
    }
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
    /// The members of each event, in order, a line each: JSON as browsers write it has no line breaks. One text costs
    /// less than a list of them, in code and in memory.
    pub(super) events: String,
    /// How many events there are.
    pub(super) count: usize,
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
    /// A batch for an event that is still to be added.
    pub(super) fn new(id: String, entry: &Entry, scope: &Scope, time_ms: u64) -> Self {
        let comma = if scope.who.is_empty() { "" } else { "," };
        let context = joined(&[&scope.page, comma, &scope.who]);
        let mut batch = Self::empty(id, context, entry.priority, entry.category);
        batch.who_version = scope.who_version;
        batch.page_version = scope.page_version;
        batch.time_ms = time_ms;
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
            events: String::new(),
            count: 0,
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

    /// Whether an event belongs here.
    pub(super) fn takes(&self, entry: &Entry, scope: &Scope, most: usize) -> bool {
        !self.attempted
            && self.count < most
            && self.who_version == scope.who_version
            && self.priority == entry.priority
            && self.category == entry.category
            && self.context.len() + self.events.len() + entry.bytes(scope) <= FULL_BYTES
    }

    /// Adds an event. One of another page says its own.
    pub(super) fn add(&mut self, entry: &Entry, scope: &Scope) {
        let page = if self.page_version == scope.page_version { "" } else { &*scope.page };
        add_line(&mut self.events, "");
        if page.len() + entry.own.len() > 0 {
            let comma = if page.is_empty() || entry.own.is_empty() { "" } else { "," };
            for part in &["\"context\":{", page, comma, &entry.own, "},"] {
                self.events.push_str(part);
            }
        }
        self.events.push_str(&entry.text);
        self.count += 1;
        self.stale = true;
    }

    /// Takes off the first events.
    pub(super) fn take_first(&mut self, count: usize) -> String {
        let mut first = String::new();
        let mut rest = &*self.events;
        for _ in 0..count {
            add_line(&mut first, line(&mut rest));
        }
        self.events = joined(&[rest]);
        self.count = self.count.saturating_sub(count);
        self.kept = self.kept.saturating_sub(count);
        self.stale = true;
        first
    }

    /// Splits off the earlier half, which is another batch with the same context.
    pub(super) fn split_off_half(&mut self, id: String) -> Self {
        let mut half = Self::empty(id, joined(&[&self.context]), self.priority, self.category);
        half.count = self.count / 2;
        half.events = self.take_first(half.count);
        half.possible_duplicate = self.possible_duplicate;
        half.time_ms = self.time_ms;
        half.attempted = true;
        half
    }

    /// The request body. `unconfirmed` are ids as JSON texts with commas between; `device` are members of a JSON object
    /// and `consent` is one, both as they are now, or empty.
    pub(super) fn body(&self, now: Now, unconfirmed: &str, device: &str, consent: &str) -> String {
        let mut body = joined(&["{\"sent_at\":"]);
        push_number(&mut body, now.unix_ms);
        if self.reports > 0 {
            body.push_str(",\"dropped\":");
            push_number(&mut body, self.reports);
        }
        for part in &[
            ",\"batch_id\":\"",
            &self.id,
            "\",\"unconfirmed\":[",
            unconfirmed,
            "],\"context\":{",
            &self.context,
        ] {
            body.push_str(part);
        }
        for (name, text) in &[(",", device), (",\"consent\":", consent)] {
            if !text.is_empty() {
                body.push_str(name);
                body.push_str(text);
            }
        }
        body.push_str("},\"events\":[");
        let mut open = "{";
        let mut events = &*self.events;
        while !events.is_empty() {
            body.push_str(open);
            body.push_str(line(&mut events));
            if self.possible_duplicate {
                body.push_str(",\"possible_duplicate\":true");
            }
            open = "},{";
        }
        body.push_str("}]}");
        body
    }

    /// Its lines for the storage: its id, what it is, its context, its events.
    pub(super) fn lines(&self) -> String {
        let mut lines = joined(&[&self.id, "\n"]);
        for is in &[self.priority == Priority::Key, self.attempted, self.possible_duplicate] {
            lines.push_str(if *is { "1" } else { "0" });
        }
        push_number(&mut lines, self.category as u64);
        add_line(&mut lines, &self.context);
        add_line(&mut lines, &self.events);
        lines
    }

    /// Reads what [`Batch::lines`] wrote, perhaps in an earlier version; nothing where it is no batch.
    pub(super) fn read(id: &str, mut lines: &str) -> Option<Self> {
        let [key, attempted, duplicate, category] = *line(&mut lines).as_bytes().first_chunk()?;
        let priority = if key == b'1' { Priority::Key } else { Priority::Normal };
        let context = joined(&[line(&mut lines)]);
        let mut batch =
            Self::empty(joined(&[id]), context, priority, usize::from(category.wrapping_sub(b'0')));
        while !lines.is_empty() {
            add_line(&mut batch.events, line(&mut lines));
            batch.count += 1;
        }
        // It may go to the server before anything of it is changed; what was sent is asked for first.
        batch.unconfirmed = attempted == b'1';
        batch.attempted = true;
        batch.possible_duplicate = duplicate == b'1';
        batch.kept = batch.count;
        (batch.kept > 0).then_some(batch)
    }
}
