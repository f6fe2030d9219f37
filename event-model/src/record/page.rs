//! The page of an event, taken apart: where it was, how one came there, and which campaign brought one.
//! What of an address is kept is the server's part; here are only the names under which consumers find it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Names and values in their order, written as an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A page. A field that was not said is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordPage<'a> {
    /// `https` or another scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Cow<'a, str>>,
    /// The host in lower case, with its port where that is not the scheme's own; never a user's name or password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Cow<'a, str>>,
    /// The path, without query and fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// The parameters of the query that the server keeps (`page.query`) and the UTM parameters, decoded.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>", default))]
    pub query: Pairs<'a>,
    /// The document's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    /// The pattern of the settings that the path fits, such as `/t/{slug}/{post_id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    /// The business name of the route, such as `post_detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// What stands in the path for each `{…}` of the pattern, decoded.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>", default))]
    pub params: Pairs<'a>,
}

/// How one came to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Referrer<'a> {
    /// What kind of place it was.
    pub class: ReferrerClass,
    /// The search engine, network or assistant, such as `Google`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// What was searched for, where the search engine says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<Cow<'a, str>>,
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Cow<'a, str>>,
    /// The path, without query and fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
}

/// What kind of place a page was reached from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReferrerClass {
    /// A search engine.
    Search,
    /// A social network.
    Social,
    /// An assistant that answers from the web.
    Ai,
    /// A page of the same site.
    Internal,
    /// None: typed, from a bookmark, from an app, or hidden.
    Direct,
    /// Any other page.
    Other,
}

/// The campaign that the page's address names. A field that was not said is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(
    missing_docs,
    reason = "the fields are the UTM parameters of the same names; `name` is `utm_campaign`"
)]
pub struct Campaign<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The ids that advertisers put on a click (`gclid`, `fbclid` …), by their parameters.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>", default))]
    pub click_ids: Pairs<'a>,
}
