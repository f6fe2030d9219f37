//! The context: who and where, said once for a batch and overridden by an event field by field.
//! What only the server can know (address, device, place) is not here.

use crate::Json;
use serde::{Deserialize, Serialize};

/// Who did it and where, as the sender knows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Context {
    /// A browser that has not been recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// A visit: a new one after 30 minutes of idleness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The site's id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// HMAC-SHA-256 of the user id under the site's secret, in hex, where the site signs its users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_signature: Option<String>,
    /// The group that the user acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// One view of one page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_view_id: Option<String>,
    /// The page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    /// What brought the visitor: `source`, `medium`, `name`, `term`, `content`, where the sender knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub campaign: Option<Json>,
    /// The screen: width, height and density, or what an app knows of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub screen: Option<Json>,
    /// The sender's language, as a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The sender's time zone, as an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The library that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Sdk>,
    /// What the visitor agreed to, by category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub consent: Option<Json>,
    /// The share of sessions that are sent at all: a decimal above 0 and at most 1, such as `0.25`. It is text here as
    /// well, since nothing computes with it and a float would come out as another text than it went in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<f64>"))]
    pub sample_rate: Option<Json>,
    /// W3C Trace Context of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The page on which it happened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Page {
    /// The address, as far as privacy lets it be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The path of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The document's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The page before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// The library that sent it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sdk {
    /// Its name, such as `footfall-js`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Context {
    /// This context with every field that `overrides` sets taken from there.
    #[must_use]
    pub fn overridden_by(&self, overrides: &Self) -> Self {
        fn pick<T: Clone>(over: &Option<T>, base: &Option<T>) -> Option<T> {
            over.as_ref().or(base.as_ref()).cloned()
        }
        Self {
            anonymous_id: pick(&overrides.anonymous_id, &self.anonymous_id),
            session_id: pick(&overrides.session_id, &self.session_id),
            user_id: pick(&overrides.user_id, &self.user_id),
            user_signature: pick(&overrides.user_signature, &self.user_signature),
            group_id: pick(&overrides.group_id, &self.group_id),
            page_view_id: pick(&overrides.page_view_id, &self.page_view_id),
            page: pick(&overrides.page, &self.page),
            campaign: pick(&overrides.campaign, &self.campaign),
            screen: pick(&overrides.screen, &self.screen),
            locale: pick(&overrides.locale, &self.locale),
            timezone: pick(&overrides.timezone, &self.timezone),
            sdk: pick(&overrides.sdk, &self.sdk),
            consent: pick(&overrides.consent, &self.consent),
            sample_rate: pick(&overrides.sample_rate, &self.sample_rate),
            traceparent: pick(&overrides.traceparent, &self.traceparent),
        }
    }
}
