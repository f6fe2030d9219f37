//! The Footfall browser SDK: [`core`] decides, [`browser`] listens and carries out.
//! Loading the module, guarding the page against it and the typed entry points are left to `npm/`.

pub mod browser;
pub mod core;
