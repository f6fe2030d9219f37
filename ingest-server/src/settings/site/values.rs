//! Values of a site's table: words, lists of texts, shares; what is wrong with one is told with its place.
//! What a value means is decided by whoever asks for it.

use super::{Reader, event_name};
use crate::settings::source::scalar;
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeValue;

/// One in a million: JavaScript writes a smaller number with an exponent, which the wire form does not take.
const SMALLEST_RATE: f64 = 0.000_001;

impl Reader<'_> {
    /// One of a few words.
    pub(super) fn word<T>(
        &mut self,
        at: usize,
        name: &str,
        value: &DeValue<'_>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = scalar(value).unwrap_or_default();
        parse(&text).map_err(|message| self.wrong(at, name, format!("is {text:?}; {message}"))).ok()
    }

    /// A list of strings, each of which `fits`.
    pub(super) fn texts(
        &mut self,
        at: usize,
        name: &str,
        value: &DeValue<'_>,
        fits: impl Fn(&str) -> Result<(), String>,
    ) -> BTreeSet<String> {
        let mut texts = BTreeSet::new();
        let DeValue::Array(all) = value else {
            self.wrong(at, name, "must be a list of strings");
            return texts;
        };
        for each in all.iter() {
            let at = each.span().start;
            match each.get_ref().as_str() {
                None => self.wrong(at, name, "must be a list of strings"),
                Some(text) => match fits(text) {
                    Ok(()) => {
                        texts.insert(text.to_owned());
                    }
                    Err(message) => self.wrong(at, name, message),
                },
            }
        }
        if all.is_empty() && name == "origins" {
            self.wrong(at, name, "is empty, so that no page could send; name an origin, or leave this out");
        }
        texts
    }

    pub(super) fn rates(&mut self, at: usize, value: &DeValue<'_>) -> Option<BTreeMap<String, f64>> {
        let DeValue::Table(all) = value else {
            self.wrong(at, "sample", "must be a table of events and shares, such as { element_view = 0.1 }");
            return None;
        };
        let mut rates = BTreeMap::new();
        for (event, value) in all {
            let (at, name) = (event.span().start, format!("sample.{}", event.get_ref()));
            if let Err(message) = event_name(event.get_ref()) {
                self.wrong(at, &name, message);
            } else if let Some(rate) = self.rate(at, &name, value.get_ref(), true) {
                rates.insert(event.get_ref().to_string(), rate);
            }
        }
        Some(rates)
    }

    pub(super) fn rate(
        &mut self,
        at: usize,
        name: &str,
        value: &DeValue<'_>,
        may_be_none: bool,
    ) -> Option<f64> {
        let number = match value {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let fits = |rate: &f64| (SMALLEST_RATE..=1.0).contains(rate) || (may_be_none && *rate == 0.0);
        let rate = number.filter(fits);
        if rate.is_none() {
            let or_none = if may_be_none { ", or 0 for none" } else { "" };
            let is = scalar(value).map(|text| format!("is {text}; it ")).unwrap_or_default();
            self.wrong(
                at,
                name,
                format!("{is}must be a share from {SMALLEST_RATE} to 1, such as 0.5{or_none}"),
            );
        }
        rate
    }
}
