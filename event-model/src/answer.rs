//! The answers of `POST /v1/events`: counts, and one entry for each event that was not simply accepted.
//! Codes are stable names for programs, reasons are sentences for people; HTTP itself is the server's part.

use crate::Violation;
use serde::{Deserialize, Serialize};

/// The answer to a batch that was read: every event has been judged on its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answer {
    /// `ok` where every event is stored, now or before, else `partial`.
    pub code: String,
    /// Events that are durable now, or with `202` taken.
    pub accepted: u32,
    /// Events that were stored before.
    pub duplicate: u32,
    /// Events that broke a rule.
    pub invalid: u32,
    /// Events that a policy dropped.
    pub dropped: u32,
    /// Events to be sent again.
    pub retry: u32,
    /// Fields that the wire form does not know; they were ignored.
    pub unknown_fields: u32,
    /// Where the accepted events are, where the caller asked (`?receipt=offsets`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredIn>,
    /// How long to wait before the events marked `retry` are sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// One entry for each event that was not simply accepted, and for each event where offsets were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventResult>,
    /// What became of the batches named in `unconfirmed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<BatchReceipt>,
}

/// Where an accepted event is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum StoredIn {
    /// Fsynced in the server's journal.
    Journal,
    /// Acknowledged by all in-sync replicas.
    Kafka,
    /// In the server's memory alone, on its way to Kafka: told with `202`, where the guarantee is at-most-once.
    Memory,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventResult {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// Its id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// What became of it.
    pub status: EventStatus,
    /// The rule or the cause, as a stable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where in the event, as a dotted path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was wrong and what would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every violation, where there is more than the one above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// Its topic, where offsets were asked for and a route led it to another one than the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Its partition, where offsets were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// Its offset, where offsets were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum EventStatus {
    /// Durable.
    Accepted,
    /// Stored before; not stored again.
    Duplicate,
    /// It broke a rule; sending it again changes nothing.
    Invalid,
    /// A policy dropped it.
    Dropped,
    /// It could not be taken now; send it again, with the same id.
    Retry,
}

/// What became of a batch that left without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BatchReceipt {
    /// The batch.
    pub batch_id: String,
    /// What the server knows of it.
    pub status: ReceiptStatus,
}

/// What the server knows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ReceiptStatus {
    /// It is durable; forget it.
    Stored,
    /// It never came, or not all of it is stored; send it again under the same id.
    Unseen,
    /// Older than the server's memory; send it again, marked `possible_duplicate`.
    Expired,
}

/// The answer to a request that was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// The cause, as a stable name.
    pub code: String,
    /// Where, as a dotted path, where one field is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was wrong and what would be right.
    pub reason: String,
    /// Every violation, where there is more than the one above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// How long to wait before the request is sent again, where that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
