//! `GET /sdk/…`: the browser SDK, carried inside the binary, compressed when it was built.
//! The entry `footfall.js` is short-lived and names the others, whose names hold a hash of their content.

use super::SHORT;
use super::etag::{etag, knows};
use crate::refusal::Refused;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../npm/dist/sdk"]
#[allow_missing = true]
struct Files;

/// What a site's script tag names.
const ENTRY: &str = "footfall.js";
const LONG: &str = "public, max-age=31536000, immutable";

/// Serves one file of the SDK, in the best encoding that the browser takes.
pub(super) async fn file(name: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response<Body> {
    let Ok(Path(name)) = name else { return Refused::NotFound.into_response() };
    let Some(plain) = served(&name).and_then(Files::get) else { return missing(&name) };
    let (file, encoding) = best(&name, plain, &headers);
    let etag = etag(&file.metadata.sha256_hash());
    let mut response = if knows(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data).into_response()
    };
    let head = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| head.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, media_type(&name));
    set(CACHE_CONTROL, if name == ENTRY { SHORT } else { LONG });
    set(VARY, "accept-encoding, origin");
    // Pages that isolate themselves (COEP: require-corp) load it too.
    set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    if let Some(encoding) = encoding {
        set(CONTENT_ENCODING, encoding);
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        head.insert(ETAG, etag);
    }
    response
}

/// The compressed copies are reached through the plain name only.
fn served(name: &str) -> Option<&str> {
    (name.ends_with(".js") || name.ends_with(".wasm")).then_some(name)
}

/// `application/wasm` is what lets a browser compile while it loads (WebAssembly Web API, section 5).
fn media_type(name: &str) -> &'static str {
    if name.ends_with(".wasm") { "application/wasm" } else { "text/javascript; charset=utf-8" }
}

fn best(name: &str, plain: EmbeddedFile, headers: &HeaderMap) -> (EmbeddedFile, Option<&'static str>) {
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if accepts(headers, encoding)
            && let Some(packed) = Files::get(&format!("{name}.{ending}"))
        {
            return (packed, Some(encoding));
        }
    }
    (plain, None)
}

/// Whether `Accept-Encoding` names an encoding without refusing it (RFC 9110, section 12.5.3).
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let refused = parts.any(|weight| {
            weight.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        named && !refused
    })
}

fn missing(name: &str) -> Response<Body> {
    let built = Files::get(ENTRY).is_some();
    let reason = if built {
        format!(
            "there is no /sdk/{}; a page starts with /sdk/{ENTRY}",
            footfall_event_model::text::cut(name, 80)
        )
    } else {
        "the SDK was not built into this server: run `npm run build` in npm/, then build the server again"
            .to_owned()
    };
    let refusal =
        footfall_event_model::Refusal { code: "not_found".to_owned(), reason, ..Default::default() };
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], axum::Json(refusal)).into_response()
}
