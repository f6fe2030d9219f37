//! What the operator calls this server and the sites, as it stands in each record.
//! It is the same for all events of a site; nothing is looked up here.

use crate::settings::Settings;
use footfall_event_model::TakenBy;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The names of this server and of its sites.
#[derive(Debug)]
pub struct Names {
    server: Option<Box<RawValue>>,
    sites: BTreeMap<String, String>,
}

impl Names {
    /// The names of the settings.
    pub fn new(settings: &Settings) -> Self {
        let (region, instance) = (settings.region.as_deref(), settings.instance.as_deref());
        let named =
            |(key, site): (&String, &crate::settings::SiteSettings)| Some((key.clone(), site.name.clone()?));
        Self {
            server: (region.is_some() || instance.is_some())
                .then(|| to_raw_value(&TakenBy { region, instance }).ok())
                .flatten(),
            sites: settings.sites.iter().filter_map(named).collect(),
        }
    }

    /// This server.
    pub fn server(&self) -> Option<&RawValue> {
        self.server.as_deref()
    }

    /// A site, by its key.
    pub fn site(&self, write_key: &str) -> Option<&str> {
        self.sites.get(write_key).map(String::as_str)
    }
}
