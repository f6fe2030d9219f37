//! What must be taken back: listeners and timers live as long as their handles.
//! After a trap no destructor runs: then the guard's signal takes the listeners off, and timers find the SDK off.

use super::dom::{call1, call2, call3, with};
use super::runtime::{Input, Runtime};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A function of the page's engine that tells the runtime of an input; it must outlive its last call.
pub(super) type Callback = Closure<dyn FnMut(JsValue)>;

/// Makes a callback for an input.
pub(super) fn callback(runtime: &Rc<Runtime>, input: Input) -> Callback {
    let runtime = runtime.clone();
    Closure::new(move |value| runtime.receive(&input, &value))
}

/// An event listener; dropping it takes it off.
#[must_use = "dropping it takes the listener off"]
pub(super) struct Listener {
    target: JsValue,
    kind: &'static str,
    callback: Callback,
}

impl Listener {
    /// Listens in the capture phase, where the page cannot stop the event, and passively, so that it waits for nothing.
    pub(super) fn new(
        runtime: &Rc<Runtime>,
        signal: &JsValue,
        target: &JsValue,
        kind: &'static str,
        input: Input,
    ) -> Self {
        let callback = callback(runtime, input);
        let options = with(&JsValue::UNDEFINED, "capture", &true.into());
        let options = with(&with(&options, "passive", &true.into()), "signal", signal);
        call3(target, "addEventListener", &kind.into(), callback.as_ref(), &options);
        Self { target: target.clone(), kind, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        call3(&self.target, "removeEventListener", &self.kind.into(), self.callback.as_ref(), &true.into());
    }
}

/// A timer that fires once; dropping it stops it.
///
/// Not `gloo-timers`: it brings `js-sys` (see `dom`) for these few lines.
#[must_use = "dropping it stops the timer"]
pub(super) struct Timer {
    window: JsValue,
    id: JsValue,
    _callback: Callback,
}

impl Timer {
    pub(super) fn new(runtime: &Rc<Runtime>, delay_ms: u32, input: Input) -> Self {
        let callback = callback(runtime, input);
        let window = runtime.window.clone();
        let id = call2(&window, "setTimeout", callback.as_ref(), &delay_ms.into());
        Self { window, id, _callback: callback }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        call1(&self.window, "clearTimeout", &self.id);
    }
}
