//! The sites that this server knows: their keys, whose pages may send for them, and what their pages are told.
//! Everything here comes from the settings and stays as it is until a restart.

use crate::refusal::Refused;
use crate::settings::{CaptureSettings, Settings, SiteSettings};
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use footfall_event_model::text::cut;
use std::collections::BTreeMap;

/// The sites, by their write keys.
#[derive(Debug)]
pub struct Sites(BTreeMap<String, SiteSettings>);

impl Sites {
    /// The sites of the settings.
    pub fn new(settings: &Settings) -> Self {
        let of = |key: &String| (key.clone(), settings.sites.get(key).cloned().unwrap_or_default());
        Self(settings.write_keys.iter().map(of).collect())
    }

    /// Lets a request through that names this key, by its `Origin` header.
    ///
    /// A request without one is no browser's (or a page's own server's), and a list of origins keeps no such sender
    /// out: anybody can write the header. `null` is what Firefox sends for beacons under the referrer policies
    /// `no-referrer` and `same-origin`; it is a site's own choice.
    ///
    /// # Errors
    /// [`Refused::UnknownWriteKey`], [`Refused::OriginNotAllowed`].
    pub fn admit(&self, write_key: &str, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(site) = self.0.get(write_key) else {
            return Err(Refused::UnknownWriteKey(cut(write_key, 64).to_owned()));
        };
        for origin in headers.get_all(ORIGIN) {
            let allowed = match origin.as_bytes() {
                b"null" => !site.refuse_null_origin,
                bytes => site
                    .origins
                    .as_ref()
                    .is_none_or(|origins| str::from_utf8(bytes).is_ok_and(|origin| origins.contains(origin))),
            };
            if !allowed {
                let origin = String::from_utf8_lossy(origin.as_bytes());
                let origin = cut(&origin, 80).to_owned();
                return Err(Refused::OriginNotAllowed { origin, write_key: write_key.to_owned() });
            }
        }
        Ok(())
    }

    /// Whether a sender with this key may say another address than its own.
    pub fn takes_claimed_address(&self, write_key: &str) -> bool {
        self.0.get(write_key).is_some_and(|site| site.takes_claimed_address)
    }

    /// What the pages of a site are told.
    ///
    /// # Errors
    /// [`Refused::NoSuchSite`].
    pub fn capture(&self, write_key: &str) -> Result<&CaptureSettings, Refused> {
        let site = self.0.get(write_key);
        site.map(|site| &site.capture).ok_or_else(|| Refused::NoSuchSite(cut(write_key, 64).to_owned()))
    }
}
