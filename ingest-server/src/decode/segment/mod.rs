//! What the clients of Segment send, as Segment's HTTP API takes it (segment.com/docs/connections/sources/catalog/
//! libraries/server/http-api), made into our events; the table is in `docs/wire.md`. Fields that mean nothing here are ignored.

mod context;
mod fields;
mod head;
mod message;
mod name;
mod refused;
#[cfg(test)]
mod tests;
mod time;

pub(super) use head::{batch, single};
pub(super) use message::event;
