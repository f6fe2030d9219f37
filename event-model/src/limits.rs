//! The limits of the wire form, each in one place, for the SDK that cuts to them and the server that holds to them.
//! What happens at a limit is decided where it is checked: a batch's limit refuses the batch, an event's the event.

/// Events in one batch.
pub const BATCH_EVENTS: usize = 500;
/// Events in one batch of Segment's clients: their own limit.
pub const SEGMENT_BATCH_EVENTS: usize = 2_500;
/// Bytes of one batch, decoded (after decompression).
pub const BATCH_BYTES: usize = 512 * 1024;
/// Bytes of one event's JSON text as it was sent.
pub const EVENT_BYTES: usize = 32 * 1024;
/// Bytes of one context's texts as they are written. A batch's context is repeated in every record, so it is kept far
/// below [`BATCH_BYTES`]: no request becomes more than about 4 MiB of context, which are 500 events with all of it.
pub const CONTEXT_BYTES: usize = 8 * 1024;
/// Bytes of an event's name; its form is `^[a-z][a-z0-9_.:]{0,63}$`.
pub const NAME_BYTES: usize = 64;
/// Bytes of an id: event, batch, user, anonymous, session, group, page view, previous.
pub const ID_BYTES: usize = 256;
/// Bytes of a URL or a path that the SDK sends; longer ones are cut there by code point.
pub const URL_BYTES: usize = 2048;
/// Objects and arrays inside one another in `properties` or `traits`, the outermost counted.
pub const PROPERTY_DEPTH: usize = 8;
/// Keys in `properties` or `traits`, at every depth together.
pub const PROPERTY_KEYS: usize = 256;
/// Batch ids in `unconfirmed`.
pub const UNCONFIRMED_IDS: usize = 32;
