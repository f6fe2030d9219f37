//! The browsers that servers speak for: one of Segment's clients sends for many visitors, and says the `User-Agent` of each.
//! A batch mostly has one or a few.

use super::{Agent, Agents};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue};
use std::collections::HashMap;
use std::sync::Arc;

/// The first so many different ones of a batch are read: as many as a batch of Segment's client for Python has events,
/// though a batch may have 2,500. One thread reads those of all requests, some 50 µs for each that it has not seen lately.
/// The records of the others tell no browser, and a bot among those is not known for one.
const MOST: usize = 100;

/// What is known of the browsers of one batch, by how they call themselves.
#[derive(Debug, Default)]
pub struct Claimed(HashMap<Box<str>, Option<Arc<Agent>>>);

impl Claimed {
    /// The different ones of these.
    pub fn named<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut all = HashMap::new();
        for text in texts {
            if all.len() < MOST && !all.contains_key(text) {
                all.insert(text.into(), None);
            }
        }
        Self(all)
    }

    /// Reads them; the two flags are those of [`Agents::of`].
    pub async fn read(mut self, agents: &Agents, private: bool, tag: bool) -> Self {
        for (text, agent) in &mut self.0 {
            // What no header may hold is none.
            let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
            let headers = HeaderMap::from_iter([(USER_AGENT, value)]);
            *agent = agents.of(&headers, private, tag).await;
        }
        self
    }

    /// The one that calls itself so.
    pub fn get(&self, text: &str) -> Option<&Agent> {
        self.0.get(text)?.as_deref()
    }
}
