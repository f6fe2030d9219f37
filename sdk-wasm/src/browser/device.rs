//! What stays the same while the page lives: screen, language, time zone, and the SDK itself.
//! Browser, system and place are left to the server, which sees them anyway.

use super::dom::{call, call1, flag, get, number, text, with};
use footfall_event_model::{Context, Json, Sdk};
use wasm_bindgen::JsValue;

/// The device's part of a context.
pub(super) fn context(window: &JsValue) -> Context {
    Context {
        screen: screen(window),
        locale: text(&get(window, "navigator"), "language"),
        timezone: text(&call(&call(&get(window, "Intl"), "DateTimeFormat"), "resolvedOptions"), "timeZone"),
        sdk: Some(Sdk {
            name: Some("footfall-js".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        ..Context::default()
    }
}

/// Whether the visitor asked not to be followed (<https://globalprivacycontrol.org>).
pub(super) fn asks_for_privacy(window: &JsValue) -> bool {
    flag(&get(window, "navigator"), "globalPrivacyControl")
}

/// Written by the engine: Rust's own way of printing a fraction weighs more than all of this file.
fn screen(window: &JsValue) -> Option<Json> {
    let screen = get(window, "screen");
    let mut object = JsValue::UNDEFINED;
    for (name, value) in [
        ("width", number(&screen, "width")),
        ("height", number(&screen, "height")),
        ("density", number(window, "devicePixelRatio")),
    ] {
        object = with(&object, name, &value.into());
    }
    Json::parse(call1(&get(window, "JSON"), "stringify", &object).as_string()?).ok()
}
