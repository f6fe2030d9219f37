//! Reads one setting after another out of what was said, and keeps what is wrong with each.
//! What belongs together (Kafka, TLS, limits) is read by the file of its name.

use super::{Problem, SiteSettings, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// Reads one setting after another and keeps what is wrong.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// A setting that has one value: the last that was said.
    pub(super) fn one<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let said = self.sources.get(key)?;
        let text = said.values.last().map_or("", String::as_str);
        match parse(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problems.push(Problem::new(&said.origin, format!("is {text:?}; {message}")));
                None
            }
        }
    }

    /// The sites' public keys.
    pub(super) fn write_keys(&mut self) -> BTreeSet<String> {
        let Some(said) = self.sources.get("write_key").filter(|said| !said.values.is_empty()) else {
            let message = "no write key is set; name at least one site, such as --write-key pk_demo";
            self.problems.push(Problem::new("write_key", message));
            return BTreeSet::new();
        };
        let fits = |key: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            !key.is_empty() && key.len() <= 64 && key.bytes().all(allowed)
        };
        for key in said.values.iter().filter(|key| !fits(key)) {
            let message =
                format!("is {key:?}; a write key has 1 to 64 letters, digits, '_' or '-', such as pk_demo");
            self.problems.push(Problem::new(&said.origin, message));
        }
        said.values.into_iter().collect()
    }

    /// What is said of single sites; one that has no key would never be asked for.
    pub(super) fn sites(&mut self, write_keys: &BTreeSet<String>) -> BTreeMap<String, SiteSettings> {
        let mut sites = BTreeMap::new();
        for (write_key, (origin, settings)) in self.sources.sites() {
            if !write_keys.contains(write_key) {
                let message =
                    format!("write_key does not name {write_key:?}; add it there, or leave this out");
                self.problems.push(Problem::new(origin, message));
            }
            sites.insert(write_key.clone(), settings.clone());
        }
        sites
    }
}
