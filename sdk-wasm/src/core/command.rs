//! What passes between the core and the browser: commands out, outcomes of transports back in.
//! How a command is carried out is left to `browser/`.

/// Something for the browser to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send a batch, and report back under its handle.
    Send {
        /// Names this attempt; a late answer to an attempt that was given up is told by it.
        handle: u32,
        /// How to send it.
        transport: Transport,
        /// Its one priority, for the query.
        priority: Priority,
        /// The request body.
        body: String,
    },
    /// Keep a value for later pages.
    Remember {
        /// Which value.
        slot: Slot,
        /// The value.
        value: String,
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
    /// Events that the site counts on.
    Key,
    /// All others.
    Normal,
}

impl Priority {
    /// The word in the query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Normal => "normal",
        }
    }
}

/// A value that outlives the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The browser's anonymous id; shared by all tabs.
    AnonymousId,
    /// The session's id and its last activity; shared by all tabs.
    Session,
    /// The next `seq`; of this tab alone.
    Seq,
}

/// What became of a `fetch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No answer: offline, blocked, or reset.
    Unreachable,
    /// The server answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
        /// Places in the batch of the events that it asks for again.
        retry: Vec<u32>,
    },
}
