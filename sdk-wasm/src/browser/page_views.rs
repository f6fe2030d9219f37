//! Page views: the first one, one for each route of a single-page app, one for each return from the back/forward cache.
//! Routes are learned from the Navigation API and from `popstate`, so that no function of the page is replaced.

use super::dom::get;
use super::handle::Listener;
use super::runtime::{Input, Runtime};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// A router may change the address several times in one task, and sets the title after it: [`Input::Route`] leads to
/// a look in a later task, and counts where the path or the query is another one.
pub(super) fn listeners(runtime: &Rc<Runtime>, signal: &JsValue) -> [Listener; 3] {
    let window = &runtime.window;
    [
        Listener::new(runtime, signal, window, "popstate", Input::Route),
        Listener::new(runtime, signal, &get(window, "navigation"), "currententrychange", Input::Route),
        Listener::new(runtime, signal, window, "pageshow", Input::Return),
    ]
}
