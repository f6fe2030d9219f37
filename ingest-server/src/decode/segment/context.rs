//! Segment's context, as far as our own knows the same things.
//! What it says beyond that (the visitor's browser and address, traits) is handed back beside it.

use super::fields::{Fields, Raw};
use footfall_event_model::{Context, Json, Page, Sdk};
use serde::Deserialize;
use std::net::IpAddr;

/// Bytes of a `userAgent`, as of the header.
const USER_AGENT_BYTES: usize = 512;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Theirs<'a> {
    #[serde(borrow)]
    page: Raw<'a>,
    screen: Raw<'a>,
    locale: Raw<'a>,
    timezone: Raw<'a>,
    library: Raw<'a>,
    campaign: Raw<'a>,
    consent: Raw<'a>,
    group_id: Raw<'a>,
    traits: Raw<'a>,
    /// Ours: Segment has no place for it.
    #[serde(rename = "user_signature")]
    user_signature: Raw<'a>,
    user_agent: Raw<'a>,
    ip: Raw<'a>,
}

#[derive(Deserialize)]
struct TheirPage<'a> {
    #[serde(borrow)]
    url: Raw<'a>,
    path: Raw<'a>,
    title: Raw<'a>,
    referrer: Raw<'a>,
}

#[derive(Deserialize)]
struct Library<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    version: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consent<'a> {
    #[serde(borrow)]
    category_preferences: Raw<'a>,
}

/// What a context came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Our context.
    pub(super) context: Context,
    /// Traits of the user.
    pub(super) traits: Option<Json>,
    /// The visitor's browser, where a server speaks for it.
    pub(super) user_agent: Option<String>,
    /// The visitor's address, where a server speaks for it.
    pub(super) ip: Option<IpAddr>,
}

/// Reads a context.
pub(super) fn read(fields: &mut Fields, raw: Raw<'_>) -> Read {
    let Some(theirs) = fields.object::<Theirs<'_>>("context", raw) else { return Read::default() };
    let agent = fields.text("context.userAgent", theirs.user_agent);
    Read {
        context: Context {
            page: page(fields, "context.page", theirs.page),
            screen: fields.bag("context.screen", theirs.screen),
            locale: fields.text("context.locale", theirs.locale),
            timezone: fields.text("context.timezone", theirs.timezone),
            sdk: library(fields, theirs.library),
            campaign: fields.bag("context.campaign", theirs.campaign),
            consent: consent(fields, theirs.consent),
            group_id: fields.id("context.groupId", theirs.group_id),
            user_signature: fields.text("context.user_signature", theirs.user_signature),
            ..Context::default()
        },
        traits: fields.bag("context.traits", theirs.traits),
        user_agent: agent.map(|agent| footfall_event_model::text::cut(&agent, USER_AGENT_BYTES).to_owned()),
        // One that is none says nothing.
        ip: fields.text("context.ip", theirs.ip).and_then(|ip| ip.parse().ok()),
    }
}

/// A page, from the context or from the properties of a `page` call.
pub(super) fn page(fields: &mut Fields, place: &str, raw: Raw<'_>) -> Option<Page> {
    let theirs: TheirPage<'_> = fields.object(place, raw)?;
    let mut text = |name: &str, raw| fields.text(&format!("{place}.{name}"), raw);
    let page = Page {
        url: text("url", theirs.url),
        path: text("path", theirs.path),
        title: text("title", theirs.title),
        referrer: text("referrer", theirs.referrer),
    };
    (page != Page::default()).then_some(page)
}

fn library(fields: &mut Fields, raw: Raw<'_>) -> Option<Sdk> {
    // Old clients name it in one text.
    if raw.is_some_and(|raw| raw.get().starts_with('"')) {
        return Some(Sdk { name: fields.text("context.library", raw), version: None });
    }
    let theirs: Library<'_> = fields.object("context.library", raw)?;
    let name = fields.text("context.library.name", theirs.name);
    Some(Sdk { name, version: fields.text("context.library.version", theirs.version) })
}

fn consent(fields: &mut Fields, raw: Raw<'_>) -> Option<Json> {
    let theirs: Consent<'_> = fields.object("context.consent", raw)?;
    fields.bag("context.consent.categoryPreferences", theirs.category_preferences)
}
