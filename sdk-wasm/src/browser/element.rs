//! What is told of an element: its tag, id and role, its `data-track-*`, its label and where it leads.
//! Never what somebody typed, and nothing out of a masked part.

use super::dom::{attribute, call, call1, item, length, matches, number, some_text, text};
use crate::core::{Properties, address, label};
use wasm_bindgen::JsValue;

/// Its parts are not told: masked by the site, or somewhere to type.
const UNTOLD: &str = "[data-track-mask],input,textarea,select,[contenteditable]:not([contenteditable=false])";
/// Elements whose whole content is their label.
const LABELLED: &str = "a,button,[role=button],summary";

/// Tag, id, role, and the site's own properties: `data-track-post-id="42"` becomes `post_id: "42"`.
pub(super) fn describe(element: &JsValue) -> Properties {
    let mut properties = Properties::default();
    let names = call(element, "getAttributeNames");
    for name in (0..length(&names)).filter_map(|index| item(&names, index).as_string()) {
        match name.strip_prefix("data-track-") {
            None | Some("view" | "mask") => {}
            Some(key) => properties.add(&key.replace('-', "_"), attribute(element, &name)),
        }
    }
    properties.add("tag", text(element, "localName"));
    properties.add("id", some_text(element, "id"));
    properties.add("role", attribute(element, "role"));
    properties
}

/// Where a link leads, as far as privacy lets it be told. (An SVG link's address is no text, and is not told.)
pub(super) fn target(element: &JsValue, origin: &str) -> Option<String> {
    Some(address::target(&some_text(element, "href")?, origin))
}

/// What is written on an element, as it is seen. `path` leads from inside of it to the window, through shadow roots;
/// the element is its entry `at`.
pub(super) fn visible_label(element: &JsValue, path: &JsValue, at: u32) -> Option<String> {
    if (at..length(path)).any(|index| matches(&item(path, index), UNTOLD)) {
        return None;
    }
    // A container's text is content rather than a label.
    let is_labelled = matches(element, LABELLED) || number(element, "childElementCount") == 0.0;
    if !is_labelled || call1(element, "querySelector", &UNTOLD.into()).is_truthy() {
        return None;
    }
    label(&text(element, "innerText")?)
}
