//! The record: what stands in the topic and in the journal for one accepted event.
//! It is what came in plus what only a server can know; keys, headers and transport are left to the server.

mod agent;
mod page;
mod text;

use crate::{EventType, Json};
pub use agent::{DeviceClass, UserAgent};
pub use page::{Campaign, Pairs, RecordPage, Referrer, ReferrerClass};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::Write;
use std::ops::DerefMut;

/// The version of the record's form; a field may be added under the same version, never changed or taken away.
pub const SCHEMA_VERSION: u32 = 1;

/// What is odd about the time of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TimeFlag {
    /// More than a minute after it was received.
    Future,
    /// More than 30 days before it was received.
    Old,
    /// Before 2000, or more than a day after it was received: the receive time stands in.
    Implausible,
}

/// What a record says of its own event (`docs/wire.md`, "The record"); [`Surroundings`] says the rest.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// What the sender said, in Unix milliseconds, where `timestamp` is another time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_timestamp: Option<i64>,
    /// How far the sender's clock was behind the server's, in milliseconds, where times were put right by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// What is odd about the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_flag: Option<TimeFlag>,
    /// The count per tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The user: the event's own, else the context's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// The group: the event's own, else the context's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<&'a str>,
    /// The former id of an `alias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<&'a str>,
    /// The site's own values.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub properties: Option<&'a Json>,
    /// What is said of a user or a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub traits: Option<&'a Json>,
    /// An event that the site counts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_event: Option<bool>,
    /// Sent again although it may have been stored before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possible_duplicate: Option<bool>,
}

/// What a record says of where its event comes from. It is the same for most events of a request, and then written
/// once for all of them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Surroundings<'a> {
    /// When the request was made by the sender's clock, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// When the server had read the request's head, in Unix milliseconds.
    pub received_at: i64,
    /// The site's public key.
    pub write_key: &'a str,
    /// What the site's operator calls it, where they have said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<&'a str>,
    /// The server that took the event: a [`TakenBy`], written once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<TakenBy<'static>>"))]
    pub server: Option<&'a RawValue>,
    /// The batch it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<&'a str>,
    /// The browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<&'a str>,
    /// The visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a str>,
    /// One view of one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_view_id: Option<&'a str>,
    /// The context: the batch's, overridden by the event's, without the ids that stand above and the page below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<crate::Context>"))]
    pub context: Option<&'a RawValue>,
    /// Where the request came from.
    pub client: &'a Client,
    /// What sent it: a [`UserAgent`], written once for all requests of the same browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<UserAgent<'static>>"))]
    pub user_agent: Option<&'a RawValue>,
    /// The page, taken apart: a [`RecordPage`], written once for all events of a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<RecordPage<'static>>"))]
    pub page: Option<&'a RawValue>,
    /// How one came to the page: a [`Referrer`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<Referrer<'static>>"))]
    pub referrer: Option<&'a RawValue>,
    /// The campaign that the page's address names: a [`Campaign`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<Campaign<'static>>"))]
    pub campaign: Option<&'a RawValue>,
}

/// The server that took an event, as its operator calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TakenBy<'a> {
    /// Where it stands, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
    /// Which one it is, such as its host's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<&'a str>,
}

/// [`Surroundings`] as text, to be part of one record or of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurroundingsText(Vec<u8>);

/// Room for the surroundings that most batches have, taken at once.
const USUAL_SURROUNDINGS_BYTES: usize = 1024;

impl Surroundings<'_> {
    /// Writes them, in one line.
    ///
    /// # Errors
    /// [`serde_json::Error`] where they cannot be written as JSON, which they can.
    pub fn written(&self) -> Result<SurroundingsText, serde_json::Error> {
        let mut text = Vec::with_capacity(USUAL_SURROUNDINGS_BYTES);
        serde_json::to_writer(&mut text, self)?;
        in_one_line(&mut text);
        Ok(SurroundingsText(text))
    }
}

impl SurroundingsText {
    /// Bytes of the text.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Record<'_> {
    /// Appends the record that these two are together: one JSON object in one line, so that a journal or a topic
    /// printed record by record is JSON Lines. Gives how many bytes of it are the event's own; the rest is the surroundings.
    ///
    /// # Errors
    /// [`serde_json::Error`] where it cannot be written, which it can where `out` is memory.
    pub fn append_to<W: Write + DerefMut<Target = [u8]>>(
        &self,
        out: &mut W,
        surroundings: &SurroundingsText,
    ) -> Result<usize, serde_json::Error> {
        let start = out.len();
        self.append_own(out)?;
        if [self.properties, self.traits].into_iter().flatten().any(|bag| has_line_breaks(bag.text())) {
            in_one_line(&mut out[start..]);
        }
        // Neither of the two objects is empty.
        if let Some(end) = out.last_mut() {
            *end = b',';
        }
        let own_bytes = out.len() - start;
        out.write_all(surroundings.0.get(1..).unwrap_or_default()).map_err(serde_json::Error::io)?;
        Ok(own_bytes)
    }
}

/// Makes spaces of line breaks. A sender's own stand between its values only: inside a string JSON allows none
/// (RFC 8259, section 7).
pub fn in_one_line(json: &mut [u8]) {
    for byte in json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Without an early end, so that the compiler looks at many bytes at once.
fn has_line_breaks(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == b'\n') | (byte == b'\r'))
}

/// The whole record, for its schema.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(
    rename = "Record",
    description = "One accepted event as consumers read it (`docs/wire.md`, \"The record\")."
)]
pub(crate) struct WholeRecord<'a> {
    #[serde(flatten)]
    _own: Record<'a>,
    #[serde(flatten)]
    _surroundings: Surroundings<'a>,
}

/// Where a request came from, as far as the policy lets it be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Client {
    /// The address after the policy; missing where the policy drops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The policy that was applied: `truncate`, `hash`, `drop` or `full`.
    pub address_policy: &'static str,
    /// `true` where the browser hid its origin (`Origin: null`), so that it cannot be told whose page it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_origin: Option<bool>,
    /// The country of the address, ISO 3166-1 in two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Its region, ISO 3166-2, such as `GB-ENG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The region's name, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_name: Option<String>,
    /// Its city, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The number of the autonomous system (RFC 1930) that announces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Whose autonomous system that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_name: Option<String>,
}
