//! axum's extractors with the forum's own refusals, so that an unreadable request gets a page in words too.
//! What the fields mean is left to the handlers.

use axum::{
    extract::{
        FromRequest, FromRequestParts,
        rejection::{FormRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};

use crate::Error;

/// A posted form.
#[derive(FromRequest)]
#[from_request(via(axum::Form), rejection(Error))]
pub(super) struct Form<T>(pub(super) T);

/// The parts of the address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(super) struct Path<T>(pub(super) T);

/// What follows the `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub(super) struct Query<T>(pub(super) T);

impl From<FormRejection> for Error {
    fn from(rejection: FormRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ => Self::Unreadable(rejection.body_text()),
        }
    }
}

/// An address whose parts do not fit names nothing that could exist, such as `/user/abc`.
impl From<PathRejection> for Error {
    fn from(_: PathRejection) -> Self {
        Self::NotFound("There is no page at this address.".into())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Unreadable(rejection.body_text())
    }
}
