//! The settings of what protects the server: rate limits, and at what load which events are refused.
//! What single sites say of their own stands in `site`.

use super::value::percent;
use super::{Problem, Reader};
use crate::admit::Rate;
use footfall_event_model::limits::BATCH_EVENTS;
use std::fmt;

/// A limit's rate; `None` where it is off.
pub type Limit = Option<Rate>;

/// What protects the server.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// Events of one write key.
    pub key_events: Limit,
    /// Requests of one client address.
    pub address_requests: Limit,
    /// Whether addresses of private networks are limited too.
    pub private_addresses: bool,
    /// The load, in percent of what may be in flight, from which on background events are refused.
    pub shed_background: u8,
    /// The same for ordinary events.
    pub shed_normal: u8,
}

/// What a site says of its own limits; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SiteLimits {
    /// Events of its write key.
    pub key_events: Option<Limit>,
    /// Requests of one client address that name its key.
    pub address_requests: Option<Limit>,
}

impl fmt::Display for SiteLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, said) in [("events", self.key_events), ("requests of an address", self.address_requests)] {
            match said {
                Some(Some(rate)) => {
                    write!(f, "; {what} {} a second, {} at once", rate.per_second, rate.burst)?
                }
                Some(None) => write!(f, "; {what} without a limit")?,
                None => {}
            }
        }
        Ok(())
    }
}

/// How many seconds of the rate may come at once where nothing else is said.
const BURST_SECONDS: u32 = 10;
/// Above it the pace between two tokens would be too coarse in nanoseconds.
const HIGHEST: u32 = 10_000_000;

/// What tokens of a limit stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Event,
    Request,
}

impl Reader<'_> {
    pub(super) fn limits(&mut self) -> Option<LimitSettings> {
        let key_events = self.limit(Token::Event, "limits.key_events_per_second", "limits.key_events_burst");
        let address_requests =
            self.limit(Token::Request, "limits.address_requests_per_second", "limits.address_requests_burst");
        let private_addresses = self.one("limits.private_addresses", |text| match text {
            "exempt" => Ok(false),
            "limit" => Ok(true),
            _ => Err("it must be exempt or limit".to_owned()),
        });
        let shed_background = self.one("limits.shed_background", percent);
        let shed_normal = self.one("limits.shed_normal", percent);
        if let (Some(background), Some(normal)) = (shed_background, shed_normal)
            && background > normal
        {
            let message =
                format!("is {background}%, above limits.shed_normal ({normal}%); background events go first");
            self.problems.push(Problem::new("limits.shed_background", message));
        }
        Some(LimitSettings {
            key_events: key_events?,
            address_requests: address_requests?,
            private_addresses: private_addresses?,
            shed_background: shed_background?,
            shed_normal: shed_normal?,
        })
    }

    fn limit(&mut self, token: Token, rate_key: &'static str, burst_key: &'static str) -> Option<Limit> {
        let per_second = self.one(rate_key, per_second)?;
        let burst =
            if self.sources.get(burst_key).is_some() { Some(self.one(burst_key, burst)?) } else { None };
        match rate(token, per_second, burst) {
            Ok(limit) => Some(limit),
            Err(message) => {
                let place =
                    self.sources.get(burst_key).map_or(burst_key.to_owned(), |said| said.origin.to_string());
                self.problems.push(Problem::new(place, message));
                None
            }
        }
    }
}

/// A rate of rate and burst; a burst that no batch fits into would let none through, ever.
pub(super) fn rate(token: Token, per_second: Option<u32>, burst: Option<u32>) -> Result<Limit, String> {
    let least = if token == Token::Event { BATCH_EVENTS as u32 } else { 1 };
    match (per_second, burst) {
        (None, Some(_)) => Err("is set, but the rate is off: set the rate, or leave this out".to_owned()),
        (None, None) => Ok(None),
        (Some(_), Some(burst)) if burst < least => {
            Err(format!("is {burst}; it must be at least {least}, since a batch may have as many events"))
        }
        (Some(per_second), burst) => {
            let burst = burst.unwrap_or_else(|| per_second.saturating_mul(BURST_SECONDS).max(least));
            Ok(Some(Rate { per_second, burst }))
        }
    }
}

/// A rate as it is written: a number, or `off`.
pub(super) fn per_second(text: &str) -> Result<Option<u32>, String> {
    if text == "off" {
        return Ok(None);
    }
    whole(text)
        .map(Some)
        .ok_or_else(|| format!("it must be off or a whole number from 1 to {HIGHEST}, such as 100"))
}

pub(super) fn burst(text: &str) -> Result<u32, String> {
    whole(text).ok_or_else(|| format!("it must be a whole number from 1 to {HIGHEST}, such as 1000"))
}

fn whole(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| (1..=HIGHEST).contains(number))
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn limits(more: &[(&'static str, &str)]) -> Result<LimitSettings, Vec<String>> {
        let flags: Vec<_> = [("write_key", "pk")].iter().chain(more).copied().collect();
        resolve(&flags, &[], None).map(|settings| settings.limits)
    }

    #[test]
    fn an_address_is_limited_by_default_and_a_key_is_not() {
        let limits = limits(&[]).unwrap();
        assert_eq!(limits.address_requests, Some(Rate { per_second: 100, burst: 1000 }));
        assert_eq!((limits.key_events, limits.private_addresses), (None, false));
        assert_eq!((limits.shed_background, limits.shed_normal), (50, 80));
    }

    #[test]
    fn a_burst_follows_the_rate_and_holds_a_batch_at_least() {
        let of = |more: &[(&'static str, &str)]| limits(more).unwrap().key_events.unwrap().burst;
        assert_eq!(of(&[("limits.key_events_per_second", "1000")]), 10_000);
        assert_eq!(of(&[("limits.key_events_per_second", "5")]), 500);
        assert_eq!(of(&[("limits.key_events_per_second", "1000"), ("limits.key_events_burst", "600")]), 600);
    }

    #[test]
    fn what_cannot_work_is_told() {
        for (more, told) in [
            (
                &[("limits.key_events_burst", "600")][..],
                "--limits-key-events-burst: is set, but the rate is off",
            ),
            (
                &[("limits.key_events_per_second", "9"), ("limits.key_events_burst", "499")],
                "--limits-key-events-burst: is 499; it must be at least 500",
            ),
            (
                &[("limits.address_requests_per_second", "0")],
                "--limits-address-requests-per-second: is \"0\"; it must be off or a whole number from 1",
            ),
            (
                &[("limits.private_addresses", "yes")],
                "--limits-private-addresses: is \"yes\"; it must be exempt or limit",
            ),
            (
                &[("limits.shed_background", "101%")],
                "--limits-shed-background: is \"101%\"; it must be a share",
            ),
            (
                &[("limits.shed_background", "90%")],
                "limits.shed_background: is 90%, above limits.shed_normal (80%)",
            ),
        ] {
            let problems = limits(more).unwrap_err();
            assert!(problems.iter().any(|problem| problem.starts_with(told)), "{told}\n{problems:?}");
        }
    }
}
