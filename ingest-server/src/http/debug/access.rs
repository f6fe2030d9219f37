//! Who may watch: whoever has the token, or where none is set, whoever is on this machine.
//! The token comes in `Authorization` alone: an address stands in the logs of proxies and in a browser's history.

use crate::admit::basic;
use crate::secret::Secret;
use crate::settings::without_port;
use axum::Json;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use footfall_event_model::Refusal;
use footfall_event_model::text::cut;
use std::net::IpAddr;

/// How long to wait where all places are taken.
const RETRY_AFTER_S: u16 = 5;

/// Why somebody may not watch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    /// No token is set, and the watcher is on another machine.
    #[error(
        "without a token only this machine may watch; set admin.token_file or FOOTFALL_ADMIN_TOKEN on the server, and send the token as Authorization: Bearer"
    )]
    NotLocal,
    /// No token is set, and the request's host is a name that may be any page's.
    #[error(
        "without a token the live view is asked for by 127.0.0.1, [::1] or localhost, not by {0:?}, which a page elsewhere could have made to point here; or set a token"
    )]
    Host(String),
    /// The token is missing.
    #[error("this needs the admin token: send it as Authorization: Bearer, or as the password of Basic")]
    NoToken,
    /// The token stands where others can read it.
    #[error(
        "the token must not stand in the address, which proxies log: send it as Authorization: Bearer, and set another one if this was the right one"
    )]
    InTheAddress,
    /// The token is another one.
    #[error("this is not the admin token that the server was started with")]
    WrongToken,
    /// As many watch as may.
    #[error("{0} live views are open, which is all there may be; close one, or come back")]
    Full(usize),
}

impl Denied {
    fn code(&self) -> &'static str {
        match self {
            Self::NotLocal => "not_local",
            Self::Host(_) => "host_not_local",
            Self::NoToken => "no_token",
            Self::InTheAddress => "token_in_address",
            Self::WrongToken => "wrong_token",
            Self::Full(_) => "too_many_watchers",
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, header) = match self {
            Self::NotLocal | Self::Host(_) => (StatusCode::FORBIDDEN, None),
            // A browser asks its user for the password then (RFC 9110, section 11.6.1; RFC 7617).
            Self::NoToken | Self::InTheAddress | Self::WrongToken => {
                let ways = HeaderValue::from_static("Basic realm=\"footfall\", Bearer realm=\"footfall\"");
                (StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, ways)))
            }
            Self::Full(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, Some((RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))))
            }
        };
        let body = Refusal { code: self.code().to_owned(), reason: self.to_string(), ..Refusal::default() };
        let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
        response.headers_mut().extend(header);
        response
    }
}

/// Lets a watcher through.
///
/// # Errors
/// [`Denied`] with the reason.
pub(super) fn check(
    token: Option<&Secret>,
    peer: Option<IpAddr>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Denied> {
    let Some(token) = token else {
        if !peer.is_some_and(|peer| peer.is_loopback()) {
            return Err(Denied::NotLocal);
        }
        return local_host(uri, headers);
    };
    let bearer = || {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    let password = || Some(basic::credentials(headers)?.split_once(':')?.1.to_owned());
    let Some(said) = bearer().or_else(password) else {
        let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let in_the_address = pairs.any(|(name, _)| name == "token" || name == "access_token");
        return Err(if in_the_address { Denied::InTheAddress } else { Denied::NoToken });
    };
    if token.matches(said.as_bytes()) { Ok(()) } else { Err(Denied::WrongToken) }
}

/// A page elsewhere can let a name of its own point to this machine and so read, in the browser of whoever works here,
/// what only this machine may (DNS rebinding); it cannot do that with an address, or with `localhost`.
fn local_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
    let named = headers.get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let Some(host) = named.or(uri.authority().map(|authority| authority.as_str())) else { return Ok(()) };
    let bare = without_port(host).trim_start_matches('[').trim_end_matches(']');
    if bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(Denied::Host(cut(host, 80).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_only_a_loopback_peer_may_watch_whatever_it_sends() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer localhost"))]);
        let uri = Uri::from_static("http://127.0.0.1:8081/debug/events");
        for (peer, verdict) in [
            (Some("127.0.0.1"), Ok(())),
            (Some("127.8.0.1"), Ok(())),
            (Some("::1"), Ok(())),
            (Some("10.0.0.1"), Err(Denied::NotLocal)),
            (Some("172.17.0.1"), Err(Denied::NotLocal)),
            (Some("2001:db8::1"), Err(Denied::NotLocal)),
            (None, Err(Denied::NotLocal)),
        ] {
            let peer = peer.map(|peer| peer.parse().unwrap());
            assert_eq!(check(None, peer, &uri, &headers), verdict, "{peer:?}");
        }
    }
}
