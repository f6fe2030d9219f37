//! The forum over HTTP: which address leads to which file of this folder, and what every answer carries.
//! What is stored is left to `store`, how a page looks to the templates.

mod account;
mod assets;
mod boards;
pub(crate) mod compose;
mod extract;
mod live;
pub(crate) mod page;
mod post;
mod refusal;
mod same_site;
mod search;
mod security;
mod session;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post as posting},
};
use tokio::sync::watch;

use crate::{Error, Settings, store::Store};

/// More than the longest post takes when every character is percent-encoded four-byte UTF-8.
const MAX_FORM_BYTES: usize = 160 * 1024;

/// What every handler may use; cheap to clone.
#[derive(Clone)]
pub(crate) struct Forum {
    store: Store,
    settings: Arc<Settings>,
    live: live::Proxy,
}

/// Every address of the forum. `stopping` turns true when live views have to end.
pub(crate) fn router(settings: Settings, store: Store, stopping: watch::Receiver<bool>) -> Router {
    let live = live::Proxy::new(settings.admin_url.clone(), stopping);
    let policy = security::Policy::new(&settings.ingest_url);
    let forum = Forum { store, settings: Arc::new(settings), live };
    Router::new()
        .route("/", get(boards::home))
        .route("/b/{board}", get(boards::board))
        .route("/t/{slug}/{post_id}", get(post::show))
        .route("/t/{slug}/{post_id}/comment", posting(post::comment))
        .route("/t/{slug}/{post_id}/like", posting(post::like))
        .route("/t/{slug}/{post_id}/favourite", posting(post::favourite))
        .route("/new", get(compose::form).post(compose::write))
        .route("/search", get(search::search))
        .route("/login", get(account::form).post(account::log_in))
        .route("/logout", posting(account::log_out))
        .route("/user/{id}", get(account::profile))
        .route("/live", get(live::live))
        .route("/healthz", get(healthz))
        .route("/static/{file}", get(assets::serve))
        .fallback(|| async { Error::NotFound("There is no page at this address.".into()) })
        .method_not_allowed_fallback(|| async { Error::Method })
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn(same_site::guard))
        .layer(from_fn_with_state(forum.clone(), refusal::as_page))
        .layer(from_fn_with_state(policy, security::headers))
        .with_state(forum)
}

/// 200 while the forum can read its database.
async fn healthz(axum::extract::State(forum): axum::extract::State<Forum>) -> Result<&'static str, Error> {
    forum.store.boards().await?;
    Ok("ok\n")
}
