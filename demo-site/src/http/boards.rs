//! `GET /` and `GET /b/{board}`: the boards and the newest posts.
//! A single post is left to `post`.

use axum::{extract::State, response::Html};
use serde::Deserialize;

use super::{
    Forum,
    extract::{Path, Query},
    page::{Layout, html},
    session::Visitor,
};
use crate::{
    Error,
    store::Scope,
    views::{BoardPage, HomePage},
};

/// Where in a list the page begins.
#[derive(Deserialize)]
pub(super) struct Position {
    /// Posts below this id only.
    before: Option<i64>,
}

pub(super) async fn home(
    State(forum): State<Forum>,
    visitor: Visitor,
    Query(position): Query<Position>,
) -> Result<Html<String>, Error> {
    html(&HomePage {
        layout: Layout::new(&forum, &visitor, "Home"),
        boards: forum.store.boards().await?,
        list: forum.store.posts(Scope::All, position.before).await?,
        first: position.before.is_none(),
    })
}

pub(super) async fn board(
    State(forum): State<Forum>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(position): Query<Position>,
) -> Result<Html<String>, Error> {
    let boards = forum.store.boards().await?;
    let board = boards
        .into_iter()
        .find(|board| board.slug == slug)
        .ok_or_else(|| Error::NotFound("There is no board of this name.".into()))?;
    let list = forum.store.posts(Scope::Board(slug), position.before).await?;
    html(&BoardPage { layout: Layout::new(&forum, &visitor, &board.name), board, list })
}
