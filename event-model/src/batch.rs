//! The batch: what one request carries.
//! Its events stay text here, each to be decoded on its own, so that a broken one harms no other.

use crate::Context;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A batch on the wire (`docs/wire.md`).
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Batch<'a> {
    /// The site's public key; it may come as `?key=` or `X-Write-Key` instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_key: Option<String>,
    /// When the request was made by the sender's clock, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// A UUID v7 of the batch; the same when it is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// Batches of this browser that left without an answer; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<String>,
    /// Events that the sender dropped since its last answered batch, because its own bound was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u32>,
    /// Who and where, for all events.
    #[serde(default, deserialize_with = "crate::object::only", skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The events, at most 500, each as the text that was sent.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "Vec<crate::Event>", length(max = 500)))]
    pub events: Vec<&'a RawValue>,
}
