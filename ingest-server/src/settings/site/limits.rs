//! The rate limits of single sites: what is not said there is as `limits.…` says for all.
//! A burst without its rate, or one that no batch fits into, is a mistake here as there.

use super::super::limits::{Limit, SiteLimits, Token, burst, per_second, rate};
use super::super::source::scalar;
use super::Reader;
use toml::de::DeTable;

/// The keys that are read here.
pub(super) const KEYS: [&str; 4] =
    ["events_per_second", "events_burst", "address_requests_per_second", "address_requests_burst"];

impl Reader<'_> {
    pub(super) fn limits(&mut self, fields: &DeTable<'_>) -> SiteLimits {
        SiteLimits {
            key_events: self.limit(fields, Token::Event, "events_per_second", "events_burst"),
            address_requests: self.limit(
                fields,
                Token::Request,
                "address_requests_per_second",
                "address_requests_burst",
            ),
        }
    }

    fn limit(
        &mut self,
        fields: &DeTable<'_>,
        token: Token,
        rate_key: &str,
        burst_key: &str,
    ) -> Option<Limit> {
        let per_second = self.number(fields, rate_key, per_second);
        let burst = self.number(fields, burst_key, burst);
        if per_second.is_none() && burst.is_none() {
            return None;
        }
        rate(token, per_second.flatten(), burst)
            .map_err(|message| {
                let at = fields.get(burst_key).map_or(0, |value| value.span().start);
                self.wrong(at, burst_key, message);
            })
            .ok()
    }

    fn number<T>(
        &mut self,
        fields: &DeTable<'_>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = fields.get(key)?;
        let text = scalar(value.get_ref()).unwrap_or_default();
        match parse(&text) {
            Ok(number) => Some(number),
            Err(message) => {
                self.wrong(value.span().start, key, format!("is {text:?}; {message}"));
                None
            }
        }
    }
}
