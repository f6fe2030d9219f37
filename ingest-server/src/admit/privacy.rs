//! What a visitor's browser says about tracking, and what the site's policy makes of it.
//! Where both signals come, the stricter policy holds.

use crate::settings::{SignalPolicy, Signals};
use axum::http::{HeaderMap, HeaderName};

const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");
const DNT: HeaderName = HeaderName::from_static("dnt");

/// How the events of a request are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// As they are.
    Kept,
    /// Without ids and without the address.
    Anonymous,
    /// Not at all, because of this signal: `gpc` or `dnt`.
    Dropped(&'static str),
}

impl Privacy {
    /// What the policies of a site make of a request's headers.
    pub fn of(signals: Signals, headers: &HeaderMap) -> Self {
        let said = |name: &HeaderName| headers.get(name).is_some_and(|value| value.as_bytes() == b"1");
        let asked = |name, policy| if said(name) { policy } else { SignalPolicy::Ignore };
        let (gpc, dnt) = (asked(&SEC_GPC, signals.gpc), asked(&DNT, signals.dnt));
        match gpc.max(dnt) {
            SignalPolicy::Ignore => Self::Kept,
            SignalPolicy::Anonymous => Self::Anonymous,
            SignalPolicy::Drop if gpc == SignalPolicy::Drop => Self::Dropped("gpc"),
            SignalPolicy::Drop => Self::Dropped("dnt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SignalPolicy::{Anonymous, Drop, Ignore};
    use axum::http::HeaderValue;

    #[test]
    fn the_stricter_policy_of_those_that_were_asked_for_holds() {
        for (gpc, dnt, sent, expected) in [
            (Anonymous, Anonymous, &[][..], Privacy::Kept),
            (Anonymous, Anonymous, &[(SEC_GPC, "1")], Privacy::Anonymous),
            (Anonymous, Anonymous, &[(DNT, "1")], Privacy::Anonymous),
            (Anonymous, Anonymous, &[(DNT, "0"), (SEC_GPC, "true")], Privacy::Kept),
            (Ignore, Drop, &[(SEC_GPC, "1")], Privacy::Kept),
            (Ignore, Drop, &[(SEC_GPC, "1"), (DNT, "1")], Privacy::Dropped("dnt")),
            (Drop, Anonymous, &[(SEC_GPC, "1"), (DNT, "1")], Privacy::Dropped("gpc")),
            (Drop, Drop, &[], Privacy::Kept),
        ] {
            let headers = sent.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            let told = Privacy::of(Signals { gpc, dnt }, &headers.collect());
            assert_eq!(told, expected, "{gpc} {dnt} {sent:?}");
        }
    }
}
