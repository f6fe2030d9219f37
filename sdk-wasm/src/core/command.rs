//! What passes between the core and the browser: commands out, answers of the server back in.
//! How a command is carried out is left to the browser's side.

/// Something for the browser to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send a batch, and report back under its handle.
    Send {
        /// Names this attempt, never 0; a late answer to an attempt that was given up is told by it.
        handle: u32,
        /// How to send it.
        transport: Transport,
        /// Its one priority, for the query.
        priority: Priority,
        /// The request body.
        body: String,
    },
    /// Tell something to the page or to later ones.
    Tell {
        /// What it is about.
        what: Topic,
        /// The value to keep, or the text.
        text: String,
    },
}

/// How a batch leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `fetch` with `keepalive`: there is an answer, and it outlives the page.
    Fetch,
    /// `sendBeacon`: no answer, but the browser promises to send it.
    Beacon,
}

/// What the server sheds last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// All but key events.
    Normal,
    /// Events that the site counts on.
    Key,
}

/// What is told besides batches: the first three are values that outlive the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The browser's anonymous id; shared by all tabs.
    AnonymousId,
    /// The session's id and its last activity; shared by all tabs.
    Session,
    /// The next `seq`; of this tab alone.
    Seq,
    /// Why an event was refused.
    Refused,
    /// What [`Tracker::tell_state`](super::Tracker::tell_state) was asked for.
    State,
}

/// What became of a `fetch`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; 0 where there was no answer: offline, blocked, or reset.
    pub status: usize,
    /// How long the server asks to wait, in milliseconds; 0 where it does not.
    pub retry_after_ms: u64,
    /// Places in the batch of the events that it asks for again.
    pub retry: Vec<usize>,
}
