//! The browsers that servers speak for: one of Segment's clients sends for many visitors, and says the `User-Agent` of each.
//! A batch mostly has one or a few.

use super::{Agent, Agents};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderValue};
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of the browsers of one batch, by how they call themselves: of as many as the batch has events. To read one
/// that was not seen lately takes some 50 µs, as it does where each event is a request of its own, and each waits for its
/// turn: a batch of 2,500 different ones takes its own sender's time and nobody else's.
#[derive(Debug, Default)]
pub struct Claimed(HashMap<Box<str>, Option<Arc<Agent>>>);

impl Claimed {
    /// The different ones of these.
    pub fn named<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut all = HashMap::new();
        for text in texts {
            if !all.contains_key(text) {
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
