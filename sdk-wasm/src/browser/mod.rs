//! The browser around the core: one file for each thing captured, each transport, storage, clock and life-cycle.
//! Deciding what is sent and when is left to `core`; loading the module and guarding the page from it, to `npm/`.

mod api;
mod beacon;
mod clicks;
mod clock;
mod device;
mod dom;
mod element;
mod fetch;
mod handle;
mod lifecycle;
mod options;
mod page_views;
mod runtime;
mod storage;
mod views;

pub use api::Sdk;
