//! The rules that tell browsers, systems, devices and crawlers apart: uap-core's and a list of crawlers, both kept in
//! `ingest-server/data`. They are made ready once, where somebody asks for them: that takes half a second and 27 MiB.

use regex::bytes::{Regex, RegexBuilder};
use std::sync::OnceLock;
use ua_parser::{Extractor, Regexes};

const UAP_CORE: &str = include_str!("../../../data/uap-core.json");
const CRAWLERS: &str = include_str!("../../../data/crawlers.txt");

/// Bytes that the expression of all crawlers may take.
const CRAWLERS_BYTES: usize = 16 << 20;

/// The rules, ready to use.
pub(super) struct Rules {
    /// uap-core's.
    pub(super) uap: Extractor<'static>,
    crawlers: Regex,
}

impl Rules {
    /// Whether the list of crawlers has it.
    pub(super) fn is_crawler(&self, user_agent: &str) -> bool {
        self.crawlers.is_match(user_agent.as_bytes())
    }
}

/// The rules; `None` where the lists that were built in cannot be used, which is told in the log.
pub(super) fn get() -> Option<&'static Rules> {
    static RULES: OnceLock<Option<Rules>> = OnceLock::new();
    let ready =
        RULES.get_or_init(|| load().inspect_err(|error| tracing::error!(%error, "no user agent rules")).ok());
    ready.as_ref()
}

fn load() -> Result<Rules, String> {
    let regexes: Regexes<'static> = serde_json::from_str(UAP_CORE).map_err(|error| error.to_string())?;
    let uap = Extractor::try_from(regexes).map_err(|error| error.to_string())?;
    let patterns: Vec<_> = CRAWLERS.lines().map(|line| format!("(?:{line})")).collect();
    let crawlers = RegexBuilder::new(&patterns.join("|"))
        .unicode(false)
        .size_limit(CRAWLERS_BYTES)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Rules { uap, crawlers })
}
