//! The transport for a page that goes: `sendBeacon`, which the browser promises to send after the page is gone.
//! A string travels as `text/plain`, which needs no CORS preflight; there is no answer.

use super::dom::{call2, get};
use wasm_bindgen::JsValue;

/// Hands a body to the browser. False where it is refused: over the quota, blocked, or not there at all.
pub(super) fn send(window: &JsValue, url: &str, body: &str) -> bool {
    call2(&get(window, "navigator"), "sendBeacon", &url.into(), &body.into()).is_truthy()
}
