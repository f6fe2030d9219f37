//! How a script reaches `verdict` inside the wasm module: it fills the input, asks, and reads the output.
//! Numbers are addresses in the module's memory and lengths in bytes.

#![allow(unsafe_code, reason = "an exported name is what a script calls; no memory is touched by hand")]

use std::sync::{Mutex, PoisonError};

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<String> = Mutex::new(String::new());

/// Makes room for a text of `bytes` bytes and says where.
#[unsafe(no_mangle)]
pub extern "C" fn input(bytes: usize) -> *const u8 {
    let mut input = INPUT.lock().unwrap_or_else(PoisonError::into_inner);
    input.resize(bytes, 0);
    input.as_ptr()
}

/// Judges what stands there; the length of the verdict.
#[unsafe(no_mangle)]
pub extern "C" fn judge() -> usize {
    let input = INPUT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    *output = crate::verdict(&String::from_utf8_lossy(&input));
    output.len()
}

/// Where the verdict stands.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}
