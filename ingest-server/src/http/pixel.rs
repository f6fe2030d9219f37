//! `GET /v1/pixel.gif`: one event in the query, for mail and for pages without scripts.
//! The answer is always the picture, so that no reader sees a broken one; status and headers say what became of the event.

use super::answer::retry_after;
use super::take::take;
use crate::decode::Shape;
use crate::edge::Edge;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use footfall_event_model::{Answer, EventStatus, text};
use std::sync::Arc;

/// One transparent pixel (GIF89a).
const GIF: [u8; 43] = *b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\x01\0\0\0\0\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
pub(super) const CODE: HeaderName = HeaderName::from_static("x-footfall-code");
pub(super) const REASON: HeaderName = HeaderName::from_static("x-footfall-reason");
const SHARED: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Bytes of a reason in a header.
const REASON_BYTES: usize = 300;

/// Takes the event of the query. A `HEAD` request only asks whether the picture is there: it is nobody's view.
pub(super) async fn pixel(State(edge): State<Arc<Edge>>, request: Request) -> Response<Body> {
    if request.method() == Method::HEAD {
        return picture(StatusCode::OK.into_response());
    }
    match take(&edge, Shape::Pixel, request).await {
        Ok(answer) => picture(told(&answer)),
        Err(refused) => {
            let (code, reason) = (refused.code(), refused.to_string());
            picture(saying(refused.into_response(), code, &reason))
        }
    }
}

/// What became of the one event, in a status and headers.
fn told(answer: &Answer) -> Response<Body> {
    let entry = answer.events.first();
    let status = match entry.map(|entry| entry.status) {
        Some(EventStatus::Invalid) => StatusCode::BAD_REQUEST,
        Some(EventStatus::Retry) => StatusCode::SERVICE_UNAVAILABLE,
        Some(EventStatus::Accepted | EventStatus::Duplicate | EventStatus::Dropped) | None => StatusCode::OK,
    };
    let code = entry.and_then(|entry| entry.code.as_deref()).unwrap_or(&answer.code);
    let reason = entry.and_then(|entry| entry.reason.as_deref()).unwrap_or_default();
    let mut response = saying(status.into_response(), code, reason);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, retry_after(answer));
    }
    response
}

/// A header holds visible ASCII (RFC 9110, section 5.5): all else becomes a question mark.
fn saying(mut response: Response<Body>, code: &str, reason: &str) -> Response<Body> {
    for (name, words) in [(CODE, code), (REASON, reason)] {
        let words: String = text::cut(words, REASON_BYTES)
            .chars()
            .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
            .collect();
        if let (false, Ok(words)) = (words.is_empty(), HeaderValue::from_str(&words)) {
            response.headers_mut().insert(name, words);
        }
    }
    response
}

/// The picture in place of whatever body there was.
fn picture(mut response: Response<Body>) -> Response<Body> {
    *response.body_mut() = Body::from(&GIF[..]);
    let head = response.headers_mut();
    head.remove(CONTENT_LENGTH);
    head.insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Pages that isolate themselves (COEP: require-corp) show it too.
    head.insert(SHARED, HeaderValue::from_static("cross-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::EventResult;

    #[test]
    fn what_could_not_be_stored_is_told_with_the_time_to_come_again() {
        let retry: EventResult =
            serde_json::from_value(serde_json::json!({"index": 0, "status": "retry", "code": "queue_full"}))
                .unwrap();
        for (retry_after_ms, header) in [(Some(2001), "3"), (None, "1")] {
            let answer =
                Answer { retry: 1, events: vec![retry.clone()], retry_after_ms, ..Answer::default() };
            let response = picture(told(&answer));
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()[RETRY_AFTER], header);
            assert_eq!(response.headers()[CODE], "queue_full");
        }
        assert!(picture(told(&Answer::default())).headers().get(RETRY_AFTER).is_none());
    }
}
