//! The page of an event, taken apart: address, route, campaign and how one came there, by the rules of its site.
//! It is done once for each distinct page of a batch, and the texts are then the same for all of its events.

mod address;
mod query;
mod referrer;
mod routes;

use crate::settings::{BotPolicy, Origins, PageSettings, Settings, SiteSettings};
use address::{Address, path_of};
use footfall_event_model::{Page, RecordPage};
use routes::Routes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the sites say of their pages, by their keys.
pub struct Pages {
    sites: BTreeMap<String, PageRules>,
    common: PageRules,
}

/// What one site says of its pages, and of bots on them.
pub struct PageRules {
    /// What becomes of a bot's events.
    pub bots: BotPolicy,
    routes: Routes,
    query: Arc<BTreeSet<String>>,
    /// The hosts of its origins, without ports.
    origins: Origins,
}

/// The texts of one page, as they stand in the record.
#[derive(Debug, Default)]
pub struct PageTexts {
    /// `page`.
    pub page: Option<Box<RawValue>>,
    /// `referrer`.
    pub referrer: Option<Box<RawValue>>,
    /// `campaign`.
    pub campaign: Option<Box<RawValue>>,
}

/// What of an address is wanted.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    query: &'a BTreeSet<String>,
    private: bool,
}

impl Pages {
    /// The rules of all sites.
    pub fn new(settings: &Settings) -> Self {
        let of = |(key, site): (&String, &SiteSettings)| (key.clone(), PageRules::new(site, &settings.pages));
        let common = PageRules::new(&SiteSettings::default(), &settings.pages);
        Self { sites: settings.sites.iter().map(of).collect(), common }
    }

    /// The rules of a site.
    pub fn of(&self, write_key: &str) -> &PageRules {
        self.sites.get(write_key).unwrap_or(&self.common)
    }
}

impl PageRules {
    /// The rules of a site with these settings.
    pub fn new(site: &SiteSettings, common: &PageSettings) -> Self {
        Self {
            bots: site.bots,
            routes: Routes::new(&site.routes, &common.routes),
            query: Arc::new(common.query.clone()),
            origins: site.origins.clone().unwrap_or_default(),
        }
    }

    /// Takes a page apart. Under `private` (`Sec-GPC: 1`) the ids of clicks, what was searched for and the referrer's
    /// path are left out.
    ///
    /// # Errors
    /// [`serde_json::Error`] where a text cannot be written as JSON, which it can.
    pub fn read(&self, page: &Page, private: bool) -> Result<PageTexts, serde_json::Error> {
        let wanted = Wanted { query: &self.query, private };
        let address = page.url.as_deref().and_then(Address::split);
        let Address { scheme, host, path, query } = address.unwrap_or_default();
        // A sender that names the path means it: a single-page app may keep its own.
        let path = page.path.as_deref().map(path_of).filter(|path| !path.is_empty()).unwrap_or(path);
        let (query, campaign) = query::read(query, wanted);
        let referrer = referrer::read(page.referrer.as_deref(), host.as_deref(), self, wanted);
        let (route, params) =
            self.routes.at(path).map_or((None, Default::default()), |(route, params)| (Some(route), params));
        let page = RecordPage {
            scheme,
            host,
            path: Some(path).filter(|path| !path.is_empty()),
            query,
            title: page.title.as_deref(),
            route: route.map(|route| route.pattern.as_str()),
            name: route.and_then(|route| route.name.as_deref()),
            params,
        };
        Ok(PageTexts {
            page: Some(page).filter(|page| *page != RecordPage::default()).map(written).transpose()?,
            referrer: Some(written(referrer)?),
            campaign: campaign.map(written).transpose()?,
        })
    }
}

fn written(value: impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&value)
}

#[cfg(test)]
mod tests;
