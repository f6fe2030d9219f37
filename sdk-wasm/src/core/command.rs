//! What passes between the core and the browser: commands out, answers of the server back in.
//! How a command is carried out is left to the browser's side.

/// Something for the browser to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What to do.
    pub what: What,
    /// Of a batch to send, its handle: it names this attempt and is never 0. Of a batch to keep, from when on another
    /// page may take it over, in Unix milliseconds; 0: at once.
    pub number: u64,
    /// The value, the request body, or the id of a batch and in the lines after it what
    /// [`Tracker::adopt`](super::Tracker::adopt) takes.
    pub text: String,
}

/// What is to be done. The first six are slots: values that outlive the page, an empty one to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Remember the browser's anonymous id; shared by all tabs.
    AnonymousId,
    /// Remember the session: its id, last activity, beginning and campaign; shared by all tabs.
    Session,
    /// Remember the user's id; shared by all tabs.
    User,
    /// Remember the group's id; shared by all tabs.
    Group,
    /// Remember how many events were dropped and not reported yet; shared by all tabs.
    Dropped,
    /// Remember the next `seq`; of this tab alone.
    Seq,
    /// Say why an event was refused.
    Refused,
    /// Say that an event, the members of its JSON, was dropped at the bound.
    Lost,
    /// Tell what [`Tracker::tell_state`](super::Tracker::tell_state) was asked for.
    State,
    /// Send a batch by `fetch`: there is an answer, and it outlives the page.
    Fetch,
    /// The same with key events.
    FetchKey,
    /// Send a batch by `sendBeacon`: no answer, but the browser promises to send it.
    Beacon,
    /// The same with key events.
    BeaconKey,
    /// Keep a batch where it outlives the page, instead of an earlier copy of it.
    Keep,
    /// Remove the kept copy of a batch.
    Forget,
    /// The same, since the server has said that it is stored, of a batch that had left without an answer.
    Confirmed,
    /// Remove all that was ever kept or remembered.
    ForgetAll,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It could not be: a beacon was refused, there is no room to keep a batch.
    No,
    /// It is.
    Yes,
    /// Another page has taken the batch over, and answers for what was kept of it.
    Taken,
}

/// What the server sheds last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// All but key events.
    Normal,
    /// Events that the site counts on.
    Key,
}

/// What became of a `fetch`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; 0 where there was no answer: offline, blocked, or reset. Where the server asks for single events
    /// again, 503: the batch goes again as it is, and the server stores what it does not have.
    pub status: usize,
    /// How long the server asks to wait, in milliseconds; 0 where it does not.
    pub retry_after_ms: u64,
    /// What it says of batches that had left without an answer: a line each, an id and, after a space, the first letter
    /// of `stored`, `unseen` or `expired`.
    pub receipts: String,
}
