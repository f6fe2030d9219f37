//! `GET /v1/config/{write_key}`: what the pages of a site are told to capture, sample and mark as key event.
//! It comes from the settings; a page asks when it is idle and never waits for the answer.

use super::etag::{etag, knows};
use crate::edge::Edge;
use crate::refusal::Refused;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Tells the capture settings of a site.
pub(super) async fn config(
    State(edge): State<Arc<Edge>>,
    write_key: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Path(write_key) = write_key.map_err(|_| Refused::NotFound)?;
    let text = serde_json::to_string(edge.sites.capture(&write_key)?).map_err(|error| {
        tracing::error!(%error, "the capture settings could not be written");
        Refused::Internal
    })?;
    let etag = etag(&Sha256::digest(&text));
    let kept = [(CACHE_CONTROL, super::SHORT.to_owned()), (ETAG, etag.clone())];
    if knows(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(CONTENT_TYPE, "application/json")], text).into_response())
}
