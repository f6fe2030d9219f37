//! The transport for a page that lives: `fetch` with `keepalive`, so that a request outlives the page if it goes.
//! A string body travels as `text/plain`, which needs no CORS preflight.

use super::dom::{call, call1, call2, get, item, length, number, text, with};
use super::handle::{Callback, callback};
use super::runtime::{Input, Runtime};
use crate::core::Outcome;
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// What is known of a request so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    pub(super) handle: u32,
    /// 0 before there is an answer.
    status: u16,
    retry_after_ms: Option<u64>,
}

/// A request that is under way, with the callbacks that must outlive it.
pub(super) struct Pending {
    pub(super) handle: u32,
    _callbacks: [Callback; 2],
}

/// Sends a body; the runtime hears of the outcome under `handle`. `None` where there is nothing to wait for.
pub(super) fn send(runtime: &Rc<Runtime>, handle: u32, url: &str, body: &str) -> Option<Pending> {
    let mut init = JsValue::UNDEFINED;
    for (name, value) in [
        ("method", JsValue::from("POST")),
        ("body", body.into()),
        ("credentials", "omit".into()),
        ("keepalive", true.into()),
    ] {
        init = with(&init, name, &value);
    }
    let promise = call2(&runtime.window, "fetch", &url.into(), &init);
    let exchange = Exchange { handle, status: 0, retry_after_ms: None };
    then(runtime, exchange, &promise, Input::Response(exchange))
}

/// Head first: whatever becomes of the body, the status counts.
pub(super) fn read(runtime: &Rc<Runtime>, mut exchange: Exchange, response: &JsValue) -> Option<Pending> {
    exchange.status = number(response, "status") as u16;
    let header = call1(&get(response, "headers"), "get", &"retry-after".into()).as_string();
    let seconds = header.and_then(|seconds| seconds.parse::<u64>().ok());
    exchange.retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
    then(runtime, exchange, &call(response, "json"), Input::Settled(exchange))
}

fn then(runtime: &Rc<Runtime>, exchange: Exchange, promise: &JsValue, input: Input) -> Option<Pending> {
    let callbacks = [callback(runtime, input), callback(runtime, Input::Settled(exchange))];
    let chained = call2(promise, "then", callbacks[0].as_ref(), callbacks[1].as_ref());
    (!chained.is_undefined()).then_some(Pending { handle: exchange.handle, _callbacks: callbacks })
}

/// What became of a request, from its status and its body (or the error that came instead).
pub(super) fn outcome(exchange: Exchange, answer: &JsValue) -> Outcome {
    if exchange.status == 0 {
        return Outcome::Unreachable;
    }
    let asked = get(answer, "retry_after_ms").as_f64().map(|ms| ms as u64);
    let mut retry = Vec::new();
    for entry in entries(answer) {
        if text(&entry, "status").as_deref() == Some("retry") {
            retry.push(number(&entry, "index") as u32);
        }
    }
    Outcome::Answered { status: exchange.status, retry_after_ms: asked.or(exchange.retry_after_ms), retry }
}

/// The answer in words, for the console: one line for a refusal, or one for each event that was not simply accepted.
pub(super) fn in_words(exchange: Exchange, answer: &JsValue, mut say: impl FnMut(&str)) {
    let reason = |of: &JsValue| text(of, "reason").unwrap_or_default();
    match exchange.status {
        0 => say("the server cannot be reached; the batch is kept and sent again"),
        200 => {
            for entry in entries(answer) {
                let id = text(&entry, "event_id").unwrap_or_default();
                let status = text(&entry, "status").unwrap_or_default();
                say(&["event ", &id, " is ", &status, ": ", &reason(&entry)].concat());
            }
        }
        status => say(&["the server answered ", &status.to_string(), ": ", &reason(answer)].concat()),
    }
}

fn entries(answer: &JsValue) -> impl Iterator<Item = JsValue> {
    let events = get(answer, "events");
    (0..length(&events)).map(move |index| item(&events, index))
}
