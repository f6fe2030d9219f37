//! Clicks on links, buttons and whatever is marked `data-track`, in shadow roots too.
//! An event is named by its `data-track`, or `click`; middle clicks and the keyboard count as well.

use super::dom::{attribute, item, length, matches};
use super::element::{describe, target, visible_label};
use super::handle::Listener;
use super::runtime::{Input, Runtime};
use footfall_event_model::Event;
use std::rc::Rc;
use wasm_bindgen::JsValue;

const CLICKABLE: &str =
    "a[href],area[href],button,[role=button],input[type=button],input[type=submit],[data-track]";

pub(super) fn listeners(runtime: &Rc<Runtime>, signal: &JsValue) -> [Listener; 2] {
    ["click", "auxclick"].map(|kind| Listener::new(runtime, signal, &runtime.window, kind, Input::Click))
}

/// Records a click, given the way from what was clicked to the window (`composedPath()`).
pub(super) fn clicked(runtime: &Rc<Runtime>, path: &JsValue, at_ms: Option<i64>) {
    let Some(at) = (0..length(path)).find(|index| matches(&item(path, *index), CLICKABLE)) else { return };
    let element = item(path, at);
    let mut properties = describe(&element);
    properties.add("text", visible_label(&element, path, at));
    properties.add("href", target(&element, &runtime.origin()));
    let name = attribute(&element, "data-track").filter(|name| !name.is_empty());
    let mut event = Event::track(name.unwrap_or_else(|| "click".to_owned()));
    event.properties = properties.into_json();
    event.timestamp = at_ms;
    runtime.record(event);
}
