//! The first step: what a request says of itself before its body is read (key, priority, encoding, type).
//! Whatever can be refused here costs no memory; the body's content is judged by the steps after it.

pub(crate) mod basic;
mod body;
mod head;
mod limits;
mod privacy;
mod shed;

pub use body::{BodyBudget, read};
pub use limits::{Counted, Limits, Quota, Rate};
pub use privacy::Privacy;
pub use shed::{InFlight, Shedding};

use crate::decode::{Encoding, Shape};
use crate::refusal::Refused;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Uri};
use footfall_delivery::Priority;
use footfall_event_model::text::cut;
use serde::Deserialize;

const WRITE_KEY: HeaderName = HeaderName::from_static("x-write-key");

/// What a request says of itself.
#[derive(Debug)]
pub struct Admitted {
    /// The key, where it was named outside the body.
    pub write_key: Option<String>,
    /// How much the events matter, where that was said.
    pub priority: Priority,
    /// How the body is encoded.
    pub encoding: Encoding,
    /// Whether partition and offset of each event are wanted.
    pub wants_offsets: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Query {
    key: Option<String>,
    priority: Option<String>,
    encoding: Option<String>,
    receipt: Option<String>,
}

/// Reads the query and the headers.
///
/// # Errors
/// [`Refused`] where the query, the content type or the encoding is one that is not taken.
pub fn admit(shape: Shape, uri: &Uri, headers: &HeaderMap) -> Result<Admitted, Refused> {
    head::check(headers)?;
    let axum::extract::Query(query) = axum::extract::Query::<Query>::try_from_uri(uri).map_err(|error| {
        Refused::BadQuery { name: "the query", value: short(&error.to_string()), right: "name=value pairs" }
    })?;
    content_type(headers)?;
    Ok(Admitted {
        write_key: named(shape, query.key, headers),
        priority: priority(query.priority.as_deref())?,
        encoding: encoding(headers, query.encoding.as_deref())?,
        wants_offsets: wants_offsets(query.receipt.as_deref())?,
    })
}

/// The key of a request that was refused before its key was looked for, where it is named outside the body.
pub fn write_key(shape: Shape, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let query = axum::extract::Query::<Query>::try_from_uri(uri).ok();
    named(shape, query.and_then(|query| query.0.key), headers)
}

fn named(shape: Shape, in_query: Option<String>, headers: &HeaderMap) -> Option<String> {
    in_query
        .filter(|key| !key.is_empty())
        .or_else(|| text(headers, &WRITE_KEY).map(str::to_owned))
        .or_else(|| if shape.has_basic_key() { basic::user(headers) } else { None })
}

/// `text/plain` is what a beacon may send without a preflight; a request that names no type is taken as JSON
/// (RFC 9110, section 8.3: the recipient may look at the content).
fn content_type(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let value = String::from_utf8_lossy(value.as_bytes());
    let media_type = value.split(';').next().unwrap_or_default().trim();
    let taken = ["text/plain", "application/json"].iter().any(|taken| media_type.eq_ignore_ascii_case(taken));
    if taken { Ok(()) } else { Err(Refused::ContentType(short(&value))) }
}

fn priority(value: Option<&str>) -> Result<Priority, Refused> {
    match value {
        None | Some("normal") => Ok(Priority::Normal),
        Some("key") => Ok(Priority::Key),
        Some("background") => Ok(Priority::Background),
        Some(other) => Err(Refused::BadQuery {
            name: "priority",
            value: short(other),
            right: "key, normal or background",
        }),
    }
}

fn wants_offsets(value: Option<&str>) -> Result<bool, Refused> {
    match value {
        None => Ok(false),
        Some("offsets") => Ok(true),
        Some(other) => Err(Refused::BadQuery { name: "receipt", value: short(other), right: "offsets" }),
    }
}

/// The encoding may be named in the query, because a `Content-Encoding` header forces a preflight. A proxy that
/// knows neither name leaves both alone; where both are there they must agree.
fn encoding(headers: &HeaderMap, query: Option<&str>) -> Result<Encoding, Refused> {
    let parse = |name: &str| Encoding::parse(name).ok_or_else(|| Refused::Encoding(short(name)));
    match (text(headers, &CONTENT_ENCODING), query) {
        (None, None) => Ok(Encoding::Identity),
        (Some(name), None) | (None, Some(name)) => parse(name),
        (Some(header), Some(query)) => {
            let (header_is, query_is) = (parse(header)?, parse(query)?);
            if header_is == query_is {
                Ok(header_is)
            } else {
                Err(Refused::Encoding(short(&format!("{header} in the header, {query} in the query"))))
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A sender's own words for a message, cut.
fn short(text: &str) -> String {
    cut(text, 80).to_owned()
}
