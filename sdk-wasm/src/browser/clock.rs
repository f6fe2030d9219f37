//! Time and chance, as the browser has them.
//! Both clocks are read at once, so that the core sees them move together.

use super::dom::{call, call1, get, item, make};
use crate::core::Now;
use wasm_bindgen::JsValue;

/// Reads both clocks.
pub(super) fn now(window: &JsValue) -> Now {
    let unix_ms = call(&get(window, "Date"), "now").as_f64().unwrap_or_default();
    // A page without `performance` has only a clock that may jump; retries then come early or late.
    let monotonic_ms = call(&get(window, "performance"), "now").as_f64().unwrap_or(unix_ms);
    Now { unix_ms: unix_ms as i64, monotonic_ms: monotonic_ms as u64 }
}

/// The seed of a tracker's ids and waits.
pub(super) fn seed(window: &JsValue) -> u64 {
    let words = make("Uint32Array", &2.into(), &JsValue::UNDEFINED);
    let random = call1(&get(window, "crypto"), "getRandomValues", &words);
    // Ids are no secrets: without `crypto` they need only differ.
    let chance = || call(&get(window, "Math"), "random").as_f64().unwrap_or_default() * 4_294_967_296.0;
    let word = |index| item(&random, index).as_f64().unwrap_or_else(chance) as u64;
    word(0) << 32 | word(1)
}
