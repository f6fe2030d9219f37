//! Where memory comes from: mimalloc for what a request takes and gives back, the system for what is large.
//! A large table that starts with zeroes costs nothing before it is used, since the system maps it page by page.

#![allow(unsafe_code, reason = "an allocator is given to Rust by an unsafe trait alone")]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on, in bytes, the system maps a piece by itself and takes it back when it is freed.
const LARGE_BYTES: usize = 1 << 20;

/// Chooses by the size alone, which a piece has when it is freed as well.
pub struct Allocator;

/// Whether mimalloc aligns every piece of this size so (`MI_MAX_ALIGN_SIZE`, and the size itself below that): then it
/// need not be asked for, and asking makes it look for a place more slowly.
const fn is_aligned_anyway(layout: Layout) -> bool {
    layout.size() < LARGE_BYTES && layout.align() <= 16 && layout.align() <= layout.size()
}

// SAFETY: each call goes, as it came, to an allocator that keeps the promises of this trait, and a piece goes back to
// the one that it came from: both choose by `layout.size()`, which is the same for `alloc` and `dealloc`.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match layout.size() {
            // SAFETY: the caller promises a size that is not 0; the alignment is one that every piece of this size has.
            size if is_aligned_anyway(layout) => unsafe { libmimalloc_sys::mi_malloc(size).cast() },
            // SAFETY: the caller's promises are those that are asked for here.
            size if size < LARGE_BYTES => unsafe { MiMalloc.alloc(layout) },
            // SAFETY: as above.
            _ => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if layout.size() < LARGE_BYTES {
                MiMalloc.alloc_zeroed(layout)
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: as above, and a piece of this size came from there.
        unsafe {
            if layout.size() < LARGE_BYTES {
                MiMalloc.dealloc(piece, layout);
            } else {
                System.dealloc(piece, layout);
            }
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        match (layout.size() < LARGE_BYTES, new_size < LARGE_BYTES) {
            // SAFETY: as above; both sizes belong to the same allocator.
            (true, true) => unsafe { MiMalloc.realloc(piece, layout, new_size) },
            // SAFETY: as above.
            (false, false) => unsafe { System.realloc(piece, layout, new_size) },
            // SAFETY: the caller promises that `new_size`, rounded up to the alignment, does not overflow; the new
            // piece is another than the old one, and both have the bytes that are copied.
            _ => unsafe {
                let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                if !moved.is_null() {
                    std::ptr::copy_nonoverlapping(piece, moved, layout.size().min(new_size));
                    self.dealloc(piece, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_grows_and_shrinks_over_the_border_keeps_what_it_holds() {
        let layout = Layout::array::<u64>(1000).unwrap();
        // SAFETY: the layouts have a size, each piece is used within it, and is freed with the layout that it has.
        unsafe {
            let piece = Allocator.alloc_zeroed(layout);
            piece.write(7);
            let large = Allocator.realloc(piece, layout, 3 * LARGE_BYTES);
            let large_layout = Layout::from_size_align(3 * LARGE_BYTES, 8).unwrap();
            assert_eq!((large.read(), large.add(7999).read()), (7, 0));
            let larger = Allocator.realloc(large, large_layout, 5 * LARGE_BYTES);
            let small = Allocator.realloc(larger, Layout::from_size_align(5 * LARGE_BYTES, 8).unwrap(), 8);
            assert_eq!(small.read(), 7);
            Allocator.dealloc(small, Layout::from_size_align(8, 8).unwrap());
        }
    }
}
