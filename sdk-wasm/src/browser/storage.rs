//! What outlives the page: ids shared by all tabs in `localStorage`, the tab's own count in `sessionStorage`.
//! Either may be forbidden, full or taken away at any time; the tracker then works from memory.

use super::dom::{call1, call2, get};
use crate::core::{Slot, Stored};
use wasm_bindgen::JsValue;

/// The stored values of one write key.
#[derive(Debug)]
pub(super) struct Store {
    write_key: String,
}

impl Store {
    pub(super) fn new(write_key: String) -> Self {
        Self { write_key }
    }

    /// Reads all slots.
    pub(super) fn load(&self, window: &JsValue) -> Stored {
        let read = |slot| call1(&area(window, slot), "getItem", &self.key(slot).into()).as_string();
        Stored { anonymous_id: read(Slot::AnonymousId), session: read(Slot::Session), seq: read(Slot::Seq) }
    }

    /// Writes or removes a slot, where the browser lets it.
    pub(super) fn remember(&self, window: &JsValue, slot: Slot, value: Option<String>) {
        let (area, key) = (area(window, slot), self.key(slot).into());
        match value {
            Some(value) => call2(&area, "setItem", &key, &value.into()),
            None => call1(&area, "removeItem", &key),
        };
    }

    /// The slot that another tab's change is about.
    pub(super) fn shared_slot(&self, key: &str) -> Option<Slot> {
        [Slot::AnonymousId, Slot::Session].into_iter().find(|slot| self.key(*slot) == key)
    }

    fn key(&self, slot: Slot) -> String {
        let name = match slot {
            Slot::AnonymousId => ":anonymous_id",
            Slot::Session => ":session",
            Slot::Seq => ":seq",
        };
        ["footfall:", &self.write_key, name].concat()
    }
}

/// Asked for each time: merely naming a forbidden storage throws, and it may be forbidden later.
fn area(window: &JsValue, slot: Slot) -> JsValue {
    get(window, if matches!(slot, Slot::Seq) { "sessionStorage" } else { "localStorage" })
}
