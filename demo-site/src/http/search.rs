//! `GET /search?q=`: posts by their words.
//! Footfall learns how many posts were found, never what was typed.

use axum::{extract::State, response::Html};
use serde::{Deserialize, Serialize};

use super::{
    Forum,
    extract::Query,
    page::{Layout, html},
    session::Visitor,
};
use crate::{Error, text, views::SearchPage};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

#[derive(Serialize)]
struct SearchEvent {
    results: usize,
}

pub(super) async fn search(
    State(forum): State<Forum>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let query = text::QUERY.check(&asked.q)?;
    let posts = forum.store.search(&query).await?;
    let mut layout = Layout::new(&forum, &visitor, "Search");
    if !query.is_empty() {
        layout = layout.with_event("search", &SearchEvent { results: posts.len() })?;
    }
    layout.query.clone_from(&query);
    html(&SearchPage { layout, query, posts })
}
