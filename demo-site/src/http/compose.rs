//! `/new`: writing a post.
//! The rules for its text are left to `text`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    Forum,
    extract::{Form, Query},
    page::{Layout, html},
    session::Visitor,
};
use crate::{Error, text, views::ComposePage};

/// What is asked for, and what comes back when it is refused.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) board: String,
    pub(crate) title: String,
    pub(crate) body: String,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    /// The board that the writer comes from.
    #[serde(default)]
    board: String,
}

pub(super) async fn form(
    State(forum): State<Forum>,
    visitor: Visitor,
    Query(choice): Query<Choice>,
) -> Result<Html<String>, Error> {
    visitor.clone().member("write a post", "/new")?;
    page(&forum, &visitor, Draft { board: choice.board, ..Draft::default() }, None).await
}

pub(super) async fn write(
    State(forum): State<Forum>,
    visitor: Visitor,
    Form(draft): Form<Draft>,
) -> Result<Response, Error> {
    let author = visitor.clone().member("write a post", "/new")?.id;
    let written = match (text::TITLE.check(&draft.title), text::POST.check(&draft.body)) {
        (Ok(title), Ok(body)) => forum.store.write_post(author, draft.board.clone(), title, body).await,
        (Err(refused), _) | (_, Err(refused)) => Err(refused),
    };
    match written {
        Ok(post) => Ok(Redirect::to(&post.address()).into_response()),
        Err(Error::Invalid(problem)) => {
            let page = page(&forum, &visitor, draft, Some(problem)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error),
    }
}

async fn page(
    forum: &Forum,
    visitor: &Visitor,
    draft: Draft,
    problem: Option<String>,
) -> Result<Html<String>, Error> {
    html(&ComposePage {
        layout: Layout::new(forum, visitor, "Write a post"),
        boards: forum.store.boards().await?,
        draft,
        problem,
        title_max: text::TITLE.max,
        body_max: text::POST.max,
    })
}
