//! Turns an [`Error`] into an answer: status, a page in the forum's own look, and for faults of the forum a line in the log.
//! Which words belong to which error is left to `error`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    Forum,
    page::{Layout, html},
    session::Visitor,
};
use crate::{Error, views::RefusalPage};

/// An error on its way from a handler to [`as_page`].
#[derive(Clone)]
struct Refused(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.status().is_server_error() {
            tracing::error!("{self}");
        }
        let mut response = (self.status(), self.for_visitor()).into_response();
        response.extensions_mut().insert(Refused(Arc::new(self)));
        response
    }
}

/// Gives a refused request its page; without the database it keeps the plain words.
pub(super) async fn as_page(State(forum): State<Forum>, request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE).cloned();
    let mut response = next.run(request).await;
    let Some(Refused(error)) = response.extensions_mut().remove() else { return response };
    let visitor = Visitor::of(&forum, cookies.as_ref()).await.unwrap_or_default();
    let next = match &*error {
        Error::NotLoggedIn { next, .. } => Some(next.as_str()),
        _ => None,
    };
    let page = RefusalPage {
        layout: Layout::new(&forum, &visitor, error.headline()),
        headline: error.headline(),
        reason: error.for_visitor(),
        next,
    };
    match html(&page) {
        Ok(page) => (error.status(), page).into_response(),
        Err(broken) => {
            tracing::error!("{broken}");
            response
        }
    }
}
