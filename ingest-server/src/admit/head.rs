//! The bounds of a request's head: how many headers, and how many bytes of them.
//! Above twice these hyper refuses without words; here a sender is told.

use crate::refusal::Refused;
use axum::http::HeaderMap;

/// Headers of a request; a browser behind two proxies sends about 40.
pub(super) const HEADERS: usize = 64;
/// Bytes of their names and values together.
pub(super) const BYTES: usize = 16 * 1024;

/// Lets a head of usual size through.
///
/// # Errors
/// [`Refused::HeadTooLarge`].
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refused> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() <= HEADERS && bytes <= BYTES {
        Ok(())
    } else {
        Err(Refused::HeadTooLarge { headers: HEADERS, bytes: BYTES })
    }
}
