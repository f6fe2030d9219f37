//! The record: what stands in the topic and in the journal for one accepted event.
//! It is what came in plus what only a server can know; keys, headers and transport are left to the server.

use crate::{EventType, Json};
use serde::Serialize;
use serde_json::value::RawValue;

/// The version of the record's form; a field may be added under the same version, never changed or taken away.
pub const SCHEMA_VERSION: u32 = 1;

/// One accepted event as consumers read it (`docs/wire.md`, "The record").
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The event's id; the same as the header `ce_id`.
    pub event_id: &'a str,
    /// What the event says.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// Its name.
    #[serde(rename = "event", skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The name as the sender wrote it, where ours is another (`Order Completed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_name: Option<&'a str>,
    /// When it happened, in Unix milliseconds; the receive time where the sender gave none.
    pub timestamp: i64,
    /// When the request was made by the sender's clock, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// When the server had read the request's head, in Unix milliseconds.
    pub received_at: i64,
    /// The count per tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The site.
    pub write_key: &'a str,
    /// The batch it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<&'a str>,
    /// The user: the event's own, else the context's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// The browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<&'a str>,
    /// The visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a str>,
    /// The group: the event's own, else the context's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<&'a str>,
    /// One view of one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_view_id: Option<&'a str>,
    /// The former id of an `alias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<&'a str>,
    /// The site's own values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<&'a Json>,
    /// What is said of a user or a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traits: Option<&'a Json>,
    /// The context: the batch's, overridden by the event's, without the ids that stand above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'a RawValue>,
    /// An event that the site counts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_event: Option<bool>,
    /// Sent again although it may have been stored before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possible_duplicate: Option<bool>,
    /// Where the request came from.
    pub client: &'a Client,
    /// What sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<UserAgent<'a>>,
}

/// Where a request came from, as far as the policy lets it be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Client {
    /// The address after the policy; missing where the policy drops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The policy that was applied: `truncate`, `drop` or `full`.
    pub address_policy: &'static str,
    /// `true` where the browser hid its origin (`Origin: null`), so that it cannot be told whose page it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_origin: Option<bool>,
}

/// What sent the request.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct UserAgent<'a> {
    /// The header as it came, cut to 512 bytes (OpenTelemetry's `user_agent.original`).
    pub original: &'a str,
}
