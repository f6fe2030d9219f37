//! The quick way for a gzip body as browsers send it: one member of a length that it tells itself, unpacked in one step.
//! Whatever is otherwise, or broken, is left to the way that goes piece by piece and says what is wrong.

use libdeflater::Decompressor;
use std::cell::RefCell;

/// Where a member says what stands between its head and what is packed (RFC 1952, section 2.3.1).
const FLAGS: usize = 3;
/// What stands behind a member: the checksum of what was packed, and its length.
const TRAILER_BYTES: usize = 8;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// What `packed` says of its length, in its last four bytes: a hint, which anybody can write there.
pub(super) fn length(packed: &[u8]) -> Option<usize> {
    packed.last_chunk().and_then(|bytes| u32::from_le_bytes(*bytes).try_into().ok())
}

/// Unpacks a body that is one member of `length` bytes, with nothing between its head and what is packed, and nothing
/// behind it.
pub(super) fn one_member(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    if packed.get(FLAGS) != Some(&0) {
        return None;
    }
    let mut unpacked = vec![0; length];
    let written = DECOMPRESSOR.with_borrow_mut(|all| all.gzip_decompress(packed, &mut unpacked)).ok()?;
    let [sum, bytes] = [crc32fast::hash(&unpacked), u32::try_from(length).ok()?].map(u32::to_le_bytes);
    let trailer: [u8; TRAILER_BYTES] = std::array::from_fn(|at| if at < 4 { sum[at] } else { bytes[at - 4] });
    // The decompressor looks at nothing behind the member, whose trailer it has found: that must end the body.
    let first = packed.windows(TRAILER_BYTES).position(|place| place.first_chunk() == Some(&trailer))?;
    (written == length && first + TRAILER_BYTES == packed.len()).then_some(unpacked)
}
