//! `GET /t/{slug}/{post_id}` and what can be done to a post: comment, like, favourite.
//! Each form works without script; the page's own script replaces the part of the page that changed.

use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    Forum,
    extract::{Form, Path},
    page::{Layout, html},
    session::Visitor,
};
use crate::{
    Error,
    store::{Kind, MAX_COMMENTS, Post, Reactions},
    text,
    views::PostPage,
};

#[derive(Deserialize)]
pub(super) struct CommentForm {
    body: String,
}

#[derive(Deserialize)]
pub(super) struct ReactionForm {
    /// Whether the reaction is to stand or to be taken back.
    on: bool,
}

#[derive(Serialize)]
struct PostView<'a> {
    post_id: String,
    board: &'a str,
}

pub(super) async fn show(
    State(forum): State<Forum>,
    visitor: Visitor,
    Path((slug, id)): Path<(String, i64)>,
) -> Result<Response, Error> {
    let post = find(&forum, id).await?;
    if slug != post.summary.slug {
        return Ok(Redirect::permanent(&post.summary.address()).into_response());
    }
    Ok(page(&forum, visitor, post, "", None).await?.into_response())
}

pub(super) async fn comment(
    State(forum): State<Forum>,
    visitor: Visitor,
    Path((_, id)): Path<(String, i64)>,
    Form(form): Form<CommentForm>,
) -> Result<Response, Error> {
    let post = find(&forum, id).await?;
    let member = visitor.clone().member("comment", post.summary.address())?;
    let written = match text::COMMENT.check(&form.body) {
        Ok(body) => forum.store.write_comment(id, member.id, body).await,
        Err(refused) => Err(refused),
    };
    match written {
        Ok(()) => Ok(Redirect::to(&format!("{}#comments", post.summary.address())).into_response()),
        // The page comes back with what was typed, so that nothing is lost by a refusal.
        Err(Error::Invalid(problem)) => {
            let page = page(&forum, visitor, post, &form.body, Some(problem)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn like(
    state: State<Forum>,
    visitor: Visitor,
    path: Path<(String, i64)>,
    form: Form<ReactionForm>,
) -> Result<Redirect, Error> {
    react(state, visitor, path, form, Kind::Like, "like a post").await
}

pub(super) async fn favourite(
    state: State<Forum>,
    visitor: Visitor,
    path: Path<(String, i64)>,
    form: Form<ReactionForm>,
) -> Result<Redirect, Error> {
    react(state, visitor, path, form, Kind::Favourite, "keep a favourite").await
}

async fn react(
    State(forum): State<Forum>,
    visitor: Visitor,
    Path((_, id)): Path<(String, i64)>,
    Form(form): Form<ReactionForm>,
    kind: Kind,
    action: &'static str,
) -> Result<Redirect, Error> {
    let post = find(&forum, id).await?;
    let member = visitor.member(action, post.summary.address())?;
    forum.store.react(id, member.id, kind, form.on).await?;
    Ok(Redirect::to(&post.summary.address()))
}

async fn find(forum: &Forum, id: i64) -> Result<Post, Error> {
    let post = forum.store.post(id).await?;
    post.ok_or_else(|| Error::NotFound("There is no such post; it may never have been written.".into()))
}

async fn page(
    forum: &Forum,
    visitor: Visitor,
    post: Post,
    draft: &str,
    problem: Option<String>,
) -> Result<Html<String>, Error> {
    let reactions = match &visitor.member {
        Some(member) => forum.store.reactions(post.summary.id, member.id).await?,
        None => Reactions::default(),
    };
    let view = PostView { post_id: post.summary.id.to_string(), board: &post.summary.board };
    let mut layout = Layout::new(forum, &visitor, &post.summary.title);
    // A page that only says why a comment was refused is no second view of the post.
    if problem.is_none() {
        layout = layout.with_event("post_view", &view)?;
    }
    html(&PostPage {
        layout,
        full: i64::try_from(post.comments.len()).is_ok_and(|count| count >= MAX_COMMENTS),
        post,
        reactions,
        draft,
        problem,
        comment_max: text::COMMENT.max,
    })
}
