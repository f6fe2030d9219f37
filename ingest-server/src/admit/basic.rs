//! The write key as the user of Basic authentication (RFC 7617), as Segment's clients name it.
//! Only where they post: elsewhere the header may be a proxy's, and no key.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// With or without padding, since clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The user of Basic authentication, where there is one.
pub(super) fn user(headers: &HeaderMap) -> Option<String> {
    let credentials = credentials(headers)?;
    let user = credentials.split(':').next().unwrap_or_default();
    (!user.is_empty()).then(|| user.to_owned())
}

/// User and password of Basic authentication with the colon between them, where that is there.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| BASE64.decode(credentials.trim()))?.ok()?;
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_user_is_the_key_and_what_is_no_basic_authentication_is_none() {
        for (header, key) in [
            ("Basic cGtfZGVtbzo=", Some("pk_demo")),
            ("basic cGtfZGVtbzo", Some("pk_demo")),
            ("Basic cGtfZGVtbzpwYXNz", Some("pk_demo")),
            ("Basic Og==", None),
            ("Basic ???", None),
            ("Bearer cGtfZGVtbzo=", None),
            ("Basic", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(header))]);
            assert_eq!(user(&headers).as_deref(), key, "{header}");
        }
    }
}
