//! The forum's own log-in: a session token in one cookie that no script can read.
//! It has nothing to do with Footfall, which sets no cookie.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::Forum;
use crate::{Error, store::Member};

const COOKIE: &str = "forum_session";
/// As long as the session in the store.
const MAX_AGE_S: u32 = 30 * 24 * 60 * 60;

/// Who asks for a page, where somebody is logged in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) member: Option<Member>,
}

impl Visitor {
    /// Reads the visitor from a `Cookie` header.
    pub(super) async fn of(forum: &Forum, cookies: Option<&HeaderValue>) -> Result<Self, Error> {
        let member = match token(cookies) {
            Some(token) => forum.store.logged_in(token.to_owned()).await?,
            None => None,
        };
        Ok(Self { member })
    }

    /// The member, for what only members may do. `action` completes "You need to be logged in to …".
    pub(super) fn member(self, action: &'static str, next: impl Into<String>) -> Result<Member, Error> {
        self.member.ok_or_else(|| Error::NotLoggedIn { action, next: next.into() })
    }
}

impl FromRequestParts<Forum> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, forum: &Forum) -> Result<Self, Error> {
        Self::of(forum, parts.headers.get(header::COOKIE)).await
    }
}

/// The token of the session that the request belongs to, where it names one.
pub(super) struct Token(pub(super) Option<String>);

impl FromRequestParts<Forum> for Token {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Forum) -> Result<Self, Error> {
        Ok(Self(token(parts.headers.get(header::COOKIE)).map(str::to_owned)))
    }
}

/// The `Set-Cookie` value that begins a session.
pub(super) fn begin(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MAX_AGE_S}")
}

/// The `Set-Cookie` value that ends one.
pub(super) fn end() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

fn token(cookies: Option<&HeaderValue>) -> Option<&str> {
    let pairs = cookies?.to_str().ok()?.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut tokens = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, token)| token);
    tokens.next().filter(|token| token.len() == 32)
}
