//! Logging in by name, logging out, and the page of a member.
//! There is no password: this forum is a demonstration, and a name is all that it needs to know.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    Forum,
    extract::{Form, Path, Query},
    page::{Layout, html},
    session::{self, Token, Visitor},
};
use crate::{
    Error,
    store::Scope,
    text,
    views::{LoginPage, ProfilePage},
};

#[derive(Deserialize)]
pub(super) struct Return {
    /// Where to go after the log-in.
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct LoginForm {
    name: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn form(
    State(forum): State<Forum>,
    visitor: Visitor,
    Query(back): Query<Return>,
) -> Result<Html<String>, Error> {
    login_page(&forum, &visitor, own_path(&back.next), "", None)
}

pub(super) async fn log_in(
    State(forum): State<Forum>,
    visitor: Visitor,
    Form(form): Form<LoginForm>,
) -> Result<Response, Error> {
    let next = own_path(&form.next);
    match text::handle(&form.name) {
        Ok(handle) => {
            let (_, token) = forum.store.log_in(handle).await?;
            Ok(([(header::SET_COOKIE, session::begin(&token))], Redirect::to(next)).into_response())
        }
        Err(refused) => {
            let page = login_page(&forum, &visitor, next, &form.name, Some(refused.to_string()))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

pub(super) async fn log_out(State(forum): State<Forum>, Token(token): Token) -> Result<Response, Error> {
    if let Some(token) = token {
        forum.store.log_out(token).await?;
    }
    Ok(([(header::SET_COOKIE, session::end())], Redirect::to("/")).into_response())
}

pub(super) async fn profile(
    State(forum): State<Forum>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<Html<String>, Error> {
    let profile = forum.store.profile(id).await?;
    let profile = profile.ok_or_else(|| Error::NotFound("There is no member of this number.".into()))?;
    let own = visitor.member.as_ref().is_some_and(|member| member.id == id);
    // Favourites are a member's own business.
    let favourites =
        if own { forum.store.posts(Scope::FavouritesOf(id), None).await?.posts } else { Vec::new() };
    html(&ProfilePage {
        layout: Layout::new(&forum, &visitor, &profile.author.handle),
        posts: forum.store.posts(Scope::Author(id), None).await?.posts,
        profile,
        own,
        favourites,
    })
}

fn login_page(
    forum: &Forum,
    visitor: &Visitor,
    next: &str,
    name: &str,
    problem: Option<String>,
) -> Result<Html<String>, Error> {
    html(&LoginPage { layout: Layout::new(forum, visitor, "Log in"), next, name, problem })
}

/// The path where it is one of this forum, else the front page: a log-in must not lead to another site.
fn own_path(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_never_leads_to_another_site() {
        assert_eq!(own_path("/t/soup/3#comments"), "/t/soup/3#comments");
        for foreign in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "javascript:1"]
        {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
