//! A batch and its form on the wire (`docs/wire.md`): events that leave together, under one id that stays the same when
//! they are sent again. Its write key and priority travel in the query, which is the browser's part.

use super::text::push_number;
use super::{Now, Priority};

/// A batch is full at this size: two of them fit into the 64 KiB that all keepalive and beacon requests of a page may
/// weigh while they are under way (Fetch Standard, "HTTP-network-or-cache fetch"), one sent before and one on leaving.
const FULL_BYTES: usize = 30 * 1024;

/// Who and where, each as members of a JSON object, with a number that changes when they do. Only who may be empty.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) who: String,
    pub(super) who_version: u32,
    pub(super) page: String,
    pub(super) page_version: u32,
    pub(super) device: String,
}

/// Events of one visitor and one priority.
#[derive(Debug)]
pub(super) struct Batch {
    /// Empty until it is first sent; from then on no event joins it.
    pub(super) id: String,
    /// The context of its first event, as members of a JSON object.
    context: String,
    who_version: u32,
    page_version: u32,
    pub(super) priority: Priority,
    /// The members of each event, in order; never empty.
    pub(super) events: Vec<String>,
    pub(super) attempts: u32,
    /// Names the attempt that is under way; 0 where there is none.
    pub(super) handle: u32,
    /// On the monotonic clock: when it is to be sent, or, while it is under way, when that attempt is given up.
    pub(super) time_ms: u64,
}

impl Batch {
    /// A batch that begins with an event.
    pub(super) fn new(event: String, priority: Priority, scope: &Scope, time_ms: u64) -> Self {
        let mut context = String::new();
        let comma = if scope.who.is_empty() { "" } else { "," };
        for part in [&*scope.device, ",", &scope.page, comma, &scope.who] {
            context.push_str(part);
        }
        Self {
            id: String::new(),
            context,
            who_version: scope.who_version,
            page_version: scope.page_version,
            priority,
            events: vec![event],
            attempts: 0,
            handle: 0,
            time_ms,
        }
    }

    /// Takes an event in, or gives it back where it does not belong here. One of another page says its own.
    pub(super) fn join(
        &mut self,
        mut event: String,
        priority: Priority,
        scope: &Scope,
        most: usize,
    ) -> Result<(), String> {
        let foreign = self.page_version != scope.page_version;
        let bytes = event.len() + if foreign { scope.page.len() } else { 0 };
        let is_open = self.id.is_empty() && self.events.len() < most;
        let belongs = self.who_version == scope.who_version && self.priority == priority;
        if !(is_open && belongs && self.context.len() + self.bytes() + bytes <= FULL_BYTES) {
            return Err(event);
        }
        if foreign {
            let own = event;
            event = String::new();
            for part in ["\"context\":{", &scope.page, "},", &own] {
                event.push_str(part);
            }
        }
        self.events.push(event);
        Ok(())
    }

    /// Splits off the later half, which is another batch with the same context.
    pub(super) fn split_off_half(&mut self) -> Self {
        let events = self.events.split_off(self.events.len() / 2);
        Self { id: String::new(), context: self.context.clone(), events, ..*self }
    }

    /// Bytes of its events.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(String::len).sum()
    }

    /// The request body.
    pub(super) fn body(&self, now: Now) -> String {
        let mut body = "{\"sent_at\":".to_owned();
        push_number(&mut body, now.unix_ms);
        for part in [",\"batch_id\":\"", &self.id, "\",\"context\":{", &self.context, "},\"events\":["] {
            body.push_str(part);
        }
        for (at, event) in self.events.iter().enumerate() {
            body.push_str(if at > 0 { "},{" } else { "{" });
            body.push_str(event);
        }
        body.push_str("}]}");
        body
    }
}
