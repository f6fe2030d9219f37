//! The page's life-cycle: hidden, left, shown again.
//! `visibilitychange` is the last word that phones give; `pagehide` covers navigation in browsers that leave the
//! first one out (<https://developer.chrome.com/docs/web-platform/page-lifecycle-api>).

use super::dom::text;
use super::handle::Listener;
use super::runtime::{Input, Runtime};
use std::rc::Rc;
use wasm_bindgen::JsValue;

pub(super) fn listeners(runtime: &Rc<Runtime>, signal: &JsValue) -> [Listener; 4] {
    let window = &runtime.window;
    [
        Listener::new(runtime, signal, window, "pagehide", Input::Leave),
        Listener::new(runtime, signal, window, "pageshow", Input::Show),
        Listener::new(runtime, signal, &runtime.document(), "visibilitychange", Input::VisibilityChange),
        Listener::new(runtime, signal, window, "storage", Input::AnotherTabWrote),
    ]
}

pub(super) fn is_hidden(runtime: &Runtime) -> bool {
    text(&runtime.document(), "visibilityState").as_deref() == Some("hidden")
}
