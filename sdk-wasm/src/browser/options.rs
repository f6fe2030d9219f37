//! The options of `init`, read one by one. They were checked, and what is wrong with them was said in words, where
//! they came from (`npm/src/options.ts`); here they are only kept within the core's bounds.

use super::dom::{flag, get, item, length, number, text};
use crate::core::Settings;
use wasm_bindgen::JsValue;

/// What a page asks for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) key: String,
    /// Where the server is, without `/v1/events`.
    pub(super) endpoint: String,
    pub(super) user_id: Option<String>,
    pub(super) clicks: bool,
    pub(super) views: bool,
    pub(super) pages: bool,
    pub(super) debug: bool,
    pub(super) settings: Settings,
}

impl Options {
    pub(super) fn read(object: &JsValue) -> Self {
        let capture = get(object, "capture");
        let names = get(object, "keyEvents");
        let defaults = Settings::default();
        let or = |name, default: u32| match number(object, name) as u32 {
            0 => default,
            set => set,
        };
        let (interval, count) = (Settings::FLUSH_INTERVAL_MS, Settings::FLUSH_COUNT);
        let settings = Settings {
            flush_interval_ms: or("flushInterval", defaults.flush_interval_ms)
                .clamp(*interval.start(), *interval.end()),
            flush_count: or("flushCount", defaults.flush_count as u32).clamp(*count.start(), *count.end())
                as usize,
            key_events: (0..length(&names)).filter_map(|index| item(&names, index).as_string()).collect(),
            ..defaults
        };
        Self {
            key: text(object, "key").unwrap_or_default(),
            endpoint: text(object, "endpoint").unwrap_or_default(),
            user_id: text(object, "userId"),
            clicks: flag(&capture, "clicks"),
            views: flag(&capture, "views"),
            pages: flag(&capture, "pages"),
            debug: flag(object, "debug"),
            settings,
        }
    }
}
