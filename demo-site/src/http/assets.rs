//! `GET /static/{file}`: the style sheet, the scripts and the icon, compiled into the program.
//! Each is asked for again by its tag, so that a new build is seen at once.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::extract::Path;
use crate::Error;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    let (content_type, content) = match file.as_str() {
        "forum.css" => (CSS, include_str!("../../static/forum.css")),
        "live-panel.css" => (CSS, include_str!("../../static/live-panel.css")),
        "forum.js" => (SCRIPT, include_str!("../../static/forum.js")),
        "footfall-ready.js" => (SCRIPT, include_str!("../../static/footfall-ready.js")),
        "page-events.js" => (SCRIPT, include_str!("../../static/page-events.js")),
        "enhanced-forms.js" => (SCRIPT, include_str!("../../static/enhanced-forms.js")),
        "live-panel.js" => (SCRIPT, include_str!("../../static/live-panel.js")),
        "record-row.js" => (SCRIPT, include_str!("../../static/record-row.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../../static/icon.svg")),
        _ => return Err(Error::NotFound("There is no file of this name.".into())),
    };
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".into())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, content_type)], content).into_response())
}
