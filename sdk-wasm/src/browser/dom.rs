//! The page's objects by the names of their members. What is missing, replaced or throws is simply not there.
//! `web-sys` is turned down for it: its typed functions throw through the module where a page has replaced one,
//! and with `js-sys` they add 7 KB to the transfer.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/browser/dom.js")]
extern "C" {
    /// The member `name` of an object, or `undefined`.
    pub(super) fn get(object: &JsValue, name: &str) -> JsValue;
    /// The entry at `index` of an array or a node list, or `undefined`.
    pub(super) fn item(object: &JsValue, index: u32) -> JsValue;
    /// What the method `name` returns, or `undefined`.
    #[wasm_bindgen(js_name = call)]
    fn call_with(object: &JsValue, name: &str, a: &JsValue, b: &JsValue, c: &JsValue) -> JsValue;
    /// A new object of the global class `name`, or `undefined`.
    pub(super) fn make(name: &str, a: &JsValue, b: &JsValue) -> JsValue;
    /// An object with one member added: `{ ...object, name: value }`.
    #[wasm_bindgen(js_name = with_)]
    pub(super) fn with(object: &JsValue, name: &str, value: &JsValue) -> JsValue;
}

const NONE: JsValue = JsValue::UNDEFINED;

/// Calls a method without arguments.
pub(super) fn call(object: &JsValue, name: &str) -> JsValue {
    call_with(object, name, &NONE, &NONE, &NONE)
}

/// Calls a method with one argument.
pub(super) fn call1(object: &JsValue, name: &str, a: &JsValue) -> JsValue {
    call_with(object, name, a, &NONE, &NONE)
}

/// Calls a method with two arguments.
pub(super) fn call2(object: &JsValue, name: &str, a: &JsValue, b: &JsValue) -> JsValue {
    call_with(object, name, a, b, &NONE)
}

/// Calls a method with three arguments.
pub(super) fn call3(object: &JsValue, name: &str, a: &JsValue, b: &JsValue, c: &JsValue) -> JsValue {
    call_with(object, name, a, b, c)
}

/// The member `name`, where it is a text.
pub(super) fn text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string()
}

/// The member `name`, where it is a text with something in it.
pub(super) fn some_text(object: &JsValue, name: &str) -> Option<String> {
    text(object, name).filter(|text| !text.is_empty())
}

/// The member `name`, where it is a number; 0 otherwise.
pub(super) fn number(object: &JsValue, name: &str) -> f64 {
    get(object, name).as_f64().unwrap_or_default()
}

/// Whether the member `name` is true.
pub(super) fn flag(object: &JsValue, name: &str) -> bool {
    get(object, name).is_truthy()
}

/// How many entries an array or a node list has.
pub(super) fn length(list: &JsValue) -> u32 {
    number(list, "length") as u32
}

/// An element's attribute.
pub(super) fn attribute(element: &JsValue, name: &str) -> Option<String> {
    call1(element, "getAttribute", &name.into()).as_string()
}

/// Whether an element matches a selector; what is no element does not.
pub(super) fn matches(node: &JsValue, selector: &str) -> bool {
    call1(node, "matches", &selector.into()).is_truthy()
}
