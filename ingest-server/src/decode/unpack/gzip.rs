//! The quick way for a gzip body as browsers send it: one member of a length that it tells itself, unpacked in one step.
//! Whatever is otherwise, or broken, is left to the way that goes piece by piece and says what is wrong.

use libdeflater::{Decompressor, crc32};
use std::cell::RefCell;

/// How a member begins (RFC 1952, section 2.3.1): its two marks, and the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// What stands behind a member: the checksum of what was packed, and its length.
const TRAILER_BYTES: usize = 8;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// What `packed` says of its length, in its last four bytes: a hint, which anybody can write there.
pub(super) fn length(packed: &[u8]) -> Option<usize> {
    packed.last_chunk().and_then(|bytes| u32::from_le_bytes(*bytes).try_into().ok())
}

/// Unpacks a body that is one member of `length` bytes and nothing else.
pub(super) fn one_member(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let begins = |place: &[u8]| place == MAGIC;
    // A second member would begin so, too.
    if packed.windows(MAGIC.len()).skip(1).any(begins) {
        return None;
    }
    let mut unpacked = vec![0; length];
    let written = DECOMPRESSOR.with_borrow_mut(|all| all.gzip_decompress(packed, &mut unpacked)).ok()?;
    // The decompressor looks at nothing behind the first member: that must be where the body ends.
    let trailer = [crc32(&unpacked).to_le_bytes(), u32::try_from(length).ok()?.to_le_bytes()].concat();
    let ends_there = packed.last_chunk::<TRAILER_BYTES>().is_some_and(|last| last[..] == trailer);
    (written == length && ends_there).then_some(unpacked)
}
