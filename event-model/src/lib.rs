//! What a Footfall event is: its types, its limits, its checks and its form on the wire.
//! No I/O, no clock and no browser here, so that the wasm SDK and the server refuse the same things in the
//! same words; stamping, storing and sending are left to the crates below this one.
//!
//! ```
//! use footfall_event_model::{Event, Json, check};
//!
//! let mut event = Event::track("post_view");
//! event.properties = Some(Json::parse(r#"{"post_id": 42}"#.to_owned()).expect("valid JSON"));
//! assert!(check(&event).is_ok());
//!
//! let refused = check(&Event::track("Post View")).unwrap_err();
//! assert_eq!(refused[0].path, "event");
//! ```

mod answer;
mod batch;
mod binary;
mod check;
mod context;
mod event;
mod id;
mod json;
pub mod limits;
mod object;
mod record;
#[cfg(test)]
mod schema;
pub mod text;
mod violation;
pub mod wire;

pub use answer::{Answer, BatchReceipt, EventResult, EventStatus, ReceiptStatus, Refusal, StoredIn};
pub use batch::Batch;
pub use binary::{BinaryFormat, NoRecord, Transcoder};
pub use check::{Own, check, check_context};
pub use context::{Context, Page, Sdk};
pub use event::{Event, EventType};
pub use id::{uuid_v7, uuid_v7_ms, uuid_v7_of};
pub use json::{Json, JsonKind, NotJson};
pub use record::{
    Campaign, Client, DeviceClass, Pairs, Record, RecordPage, Referrer, ReferrerClass, SCHEMA_VERSION,
    Surroundings, SurroundingsText, TakenBy, TimeFlag, UserAgent, in_one_line,
};
pub use violation::{Rule, Violation};
