//! The ingest server of Footfall: takes events from browsers, checks and stamps them, and hands them to delivery.
//! What an event is stands in `footfall-event-model`, how it becomes durable in `footfall-delivery`.

pub mod admit;
pub mod check;
pub mod cli;
pub mod client;
pub mod commands;
pub mod decode;
mod distinct;
pub mod edge;
pub mod encode;
pub mod event_ids;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
mod jitter;
mod judge;
mod known_ids;
pub mod letters;
pub mod live;
pub mod log;
pub mod metrics;
pub mod receipts;
pub mod refusal;
mod results;
pub mod secret;
pub mod server;
pub mod settings;
pub mod shared;
pub mod sites;
pub mod stamp;
pub mod status;
