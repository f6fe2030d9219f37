//! The event: one thing that somebody did, as the wire carries it.
//! Every field but the name of a `track` may be missing; the server then gives what it can.

use crate::{Context, Json};
use serde::{Deserialize, Serialize};

/// What an event says, after Segment's specification, which tools downstream know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum EventType {
    /// Somebody did something; `event` names it. The default.
    #[default]
    Track,
    /// A page was viewed.
    Page,
    /// A screen of an app was viewed.
    Screen,
    /// A user was recognised; `traits` describe them.
    Identify,
    /// A user belongs to the group `group_id`; `traits` describe it.
    Group,
    /// `previous_id` and the user are the same person.
    Alias,
}

impl EventType {
    /// All types, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Track, Self::Page, Self::Screen, Self::Identify, Self::Group, Self::Alias];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }
}

/// One event on the wire (`docs/wire.md`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// A UUID v7 that never changes across retries; given by the server where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// What the event says; `track` where it is missing.
    #[serde(default, rename = "type")]
    pub kind: EventType,
    /// The event's name, `^[a-z][a-z0-9_.:]{0,63}$`. Required for `track`.
    #[serde(default, rename = "event", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it happened by the sender's clock, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// A count per tab, so that a gap is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The user, where it is another one than the context's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The group of a `group` event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// The former id of an `alias` event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// The site's own values: an object at most 8 deep with at most 256 keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub properties: Option<Json>,
    /// What `identify` and `group` say of the user or the group: an object with the limits of `properties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub traits: Option<Json>,
    /// What differs from the batch's context.
    #[serde(default, deserialize_with = "crate::object::only", skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<Context>>,
    /// An event that the site counts on: sent at once, dropped last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_event: Option<bool>,
    /// Sent again although it may have been stored before; consumers compare `ce_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_duplicate: Option<bool>,
}

impl Event {
    /// A `track` event of that name, with nothing else set.
    pub fn track(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
