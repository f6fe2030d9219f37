//! Entity tags: strong ones, made of a content's hash, and whether a browser has that content already.
//! How long it may go without asking is said beside each route.

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use std::fmt::Write;

/// The tag of a content with that SHA-256: its first half.
pub(super) fn etag(hash: &[u8]) -> String {
    let mut etag = String::from("\"");
    for byte in hash.iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    etag
}

/// Whether the browser has this version (RFC 9110, section 13.1.2: a list, compared weakly).
pub(super) fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}
