//! The Footfall browser SDK: [`core`] decides what is sent and when, [`api`] is its door to JavaScript.
//! What a page can tell, and carrying out what was decided, is left to the TypeScript in `npm/src/browser/`.

pub mod api;
pub mod core;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
