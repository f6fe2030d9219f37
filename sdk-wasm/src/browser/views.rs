//! Views of elements marked `data-track-view`: half of it visible for one second, once in each view of the page.
//! Elements added later count too; ones inside shadow roots are not looked for.

use super::dom::{attribute, call, call1, call2, flag, get, item, length, make, number, with};
use super::element::describe;
use super::handle::{Callback, Timer, callback};
use super::runtime::{Input, Runtime};
use footfall_event_model::Event;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;

const SELECTOR: &str = "[data-track-view]";
const SHARE: f64 = 0.5;
const HOLD_MS: u32 = 1_000;
/// A burst of changes to the page is looked through once.
const SETTLE_MS: u32 = 100;

/// The observers; dropping them ends the watch.
pub(super) struct Views {
    visibility: JsValue,
    changes: JsValue,
    /// Elements that were viewed in this view of the page.
    viewed: RefCell<JsValue>,
    /// Elements that are visible, each until its second has passed.
    held: RefCell<Vec<(JsValue, Timer)>>,
    search: RefCell<Option<Timer>>,
    _callbacks: [Callback; 2],
}

impl Views {
    /// Where the browser has no such observers, nothing is seen.
    pub(super) fn new(runtime: &Rc<Runtime>) -> Self {
        let callbacks = [callback(runtime, Input::Visibility), callback(runtime, Input::PageChanged)];
        let share = with(&JsValue::UNDEFINED, "threshold", &SHARE.into());
        let views = Self {
            visibility: make("IntersectionObserver", callbacks[0].as_ref(), &share),
            changes: make("MutationObserver", callbacks[1].as_ref(), &JsValue::UNDEFINED),
            viewed: RefCell::new(make("WeakSet", &JsValue::UNDEFINED, &JsValue::UNDEFINED)),
            held: RefCell::default(),
            search: RefCell::default(),
            _callbacks: callbacks,
        };
        let mut options = JsValue::UNDEFINED;
        for name in ["childList", "subtree", "attributes"] {
            options = with(&options, name, &true.into());
        }
        let names = call1(&get(&runtime.window, "Array"), "of", &"data-track-view".into());
        options = with(&options, "attributeFilter", &names);
        call2(&views.changes, "observe", &runtime.document(), &options);
        views.search(runtime);
        views
    }

    /// A new view of the page: everything counts again.
    pub(super) fn restart(&self, runtime: &Runtime) {
        self.viewed.replace(make("WeakSet", &JsValue::UNDEFINED, &JsValue::UNDEFINED));
        self.resume(runtime);
    }

    /// Nobody sees a hidden page, though its elements stay where they are.
    pub(super) fn pause(&self) {
        self.held.take();
    }

    /// Looks again at what is visible now.
    pub(super) fn resume(&self, runtime: &Runtime) {
        self.pause();
        call(&self.visibility, "disconnect");
        self.search(runtime);
    }

    pub(super) fn search_soon(&self, runtime: &Rc<Runtime>) {
        let mut search = self.search.borrow_mut();
        if search.is_none() {
            *search = Some(Timer::new(runtime, SETTLE_MS, Input::Search));
        }
    }

    /// Observes what is not observed yet; observing twice is once.
    pub(super) fn search(&self, runtime: &Runtime) {
        self.search.take();
        let found = call1(&runtime.document(), "querySelectorAll", &SELECTOR.into());
        let viewed = self.viewed.borrow();
        for index in 0..length(&found) {
            let element = item(&found, index);
            if !call1(&viewed, "has", &element).is_truthy() {
                call1(&self.visibility, "observe", &element);
            }
        }
    }

    pub(super) fn changed(&self, runtime: &Rc<Runtime>, entries: &JsValue) {
        for index in 0..length(entries) {
            let entry = item(entries, index);
            let element = get(&entry, "target");
            self.release(&element);
            if flag(&entry, "isIntersecting") && number(&entry, "intersectionRatio") >= SHARE {
                let timer = Timer::new(runtime, HOLD_MS, Input::Seen(element.clone()));
                self.held.borrow_mut().push((element, timer));
            }
        }
    }

    pub(super) fn seen(&self, runtime: &Rc<Runtime>, element: &JsValue) {
        self.release(element);
        call1(&self.visibility, "unobserve", element);
        call1(&self.viewed.borrow(), "add", element);
        let name = attribute(element, "data-track-view").filter(|name| !name.is_empty());
        let mut event = Event::track(name.unwrap_or_else(|| "element_view".to_owned()));
        event.properties = describe(element).into_json();
        runtime.record(event);
    }

    fn release(&self, element: &JsValue) {
        let mut held = self.held.borrow_mut();
        if let Some(at) = held.iter().position(|(held, _)| held == element) {
            drop(held.remove(at));
        }
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        call(&self.visibility, "disconnect");
        call(&self.changes, "disconnect");
    }
}
