//! What the thin JavaScript around the module calls; typed for people in `npm/src/`.
//! Properties and traits come as the text that `JSON.stringify` made, times as Unix milliseconds.

use super::clicks::{self, clicked};
use super::options::Options;
use super::runtime::Runtime;
use super::views::Views;
use super::{lifecycle, page_views};
use footfall_event_model::{Event, Json};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A running tracker and all that it listens to; freeing it stops it.
#[wasm_bindgen]
pub struct Sdk {
    runtime: Rc<Runtime>,
}

#[wasm_bindgen]
impl Sdk {
    /// Starts a tracker. `signal` takes off all listeners after a trap. `page_viewed` is true where the view of this
    /// page has been told already; else it is told as of `page_at_ms`.
    pub fn start(
        window: JsValue,
        options: JsValue,
        signal: JsValue,
        page_viewed: bool,
        page_at_ms: f64,
    ) -> Self {
        let options = Options::read(&options);
        let (clicks, views, pages) = (options.clicks, options.views, options.pages);
        let runtime = Runtime::new(window, options);
        let mut listeners: Vec<_> = lifecycle::listeners(&runtime, &signal).into();
        if clicks {
            listeners.extend(clicks::listeners(&runtime, &signal));
        }
        if pages {
            listeners.extend(page_views::listeners(&runtime, &signal));
        }
        runtime.listeners.replace(listeners);
        if views {
            runtime.views.replace(Some(Rc::new(Views::new(&runtime))));
        }
        if pages && !page_viewed {
            runtime.view_page(None, Some(page_at_ms as i64));
        }
        Self { runtime }
    }

    /// Records an event of the site's own.
    pub fn track(&self, name: String, properties: Option<String>, at_ms: f64) {
        let mut event = Event::track(name);
        event.properties = self.json(properties);
        event.timestamp = Some(at_ms as i64);
        self.runtime.record(event);
    }

    /// Begins a view of a page.
    pub fn page(&self, properties: Option<String>, at_ms: f64) {
        self.runtime.view_page(self.json(properties), Some(at_ms as i64));
    }

    /// Recognises the user.
    pub fn identify(&self, user_id: String, traits: Option<String>) {
        self.runtime.identify(user_id, self.json(traits));
    }

    /// Records a click that happened before the module was here, by its event's `composedPath()`.
    pub fn click(&self, path: JsValue, at_ms: f64) {
        clicked(&self.runtime, &path, Some(at_ms as i64));
    }

    /// Sends all that is queued as soon as it can be sent.
    pub fn flush(&self) {
        self.runtime.flush();
    }

    /// What is known from outside, as JSON.
    pub fn state(&self) -> String {
        self.runtime.state()
    }

    fn json(&self, text: Option<String>) -> Option<Json> {
        let json = Json::parse(text?).ok();
        if json.is_none() {
            self.runtime.say("properties are not JSON and were left out");
        }
        json
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        self.runtime.stop();
    }
}
