//! Free memory that an allocator keeps, given back to the system.
//! mimalloc holds what requests took; the C library's allocator what librdkafka and SQLite did, much after an outage.

#![allow(unsafe_code, reason = "allocators are asked through their C interfaces")]

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often one thread gives back at most: it looks at all that it holds.
const GIVING_BACK_EVERY: Duration = Duration::from_secs(2);
/// How often the C library is told to: what has become free since is at most what was in flight.
const C_LIBRARY_EVERY: Duration = Duration::from_secs(30);

thread_local! {
    static GAVE_BACK: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Gives free memory of this thread back to the system, now and then. mimalloc by itself finds what another thread has
/// freed only when it takes memory again, which an idle thread never does.
pub(crate) fn give_back() {
    let now = Instant::now();
    if GAVE_BACK.get().is_none_or(|last| now.duration_since(last) >= GIVING_BACK_EVERY) {
        GAVE_BACK.set(Some(now));
        // SAFETY: it may be called at any time, by any thread.
        unsafe { libmimalloc_sys::mi_collect(true) };
    }
}

/// Gives back, for as long as it runs, what the C library holds free. By itself it gives back the end of a heap alone, and
/// one message there keeps all that the rows of an outage took.
pub(crate) async fn keep_little() {
    loop {
        tokio::time::sleep(C_LIBRARY_EVERY).await;
        // It may take milliseconds. That it ends is all there is to know.
        let _ = tokio::task::spawn_blocking(give_back_of_c_library).await;
    }
}

/// Where the C library is another than GNU's, it knows no such thing.
fn give_back_of_c_library() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    fn resident_bytes() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    #[test]
    fn what_the_c_library_holds_before_a_piece_that_stays_is_given_back() {
        const PIECES: usize = 64 << 10;
        const BYTES: usize = 1 << 10;
        // SAFETY: each piece is written within its size, and freed once.
        unsafe {
            let pieces: Vec<*mut libc::c_void> = (0..PIECES).map(|_| libc::malloc(BYTES)).collect();
            pieces.iter().for_each(|piece| piece.write_bytes(1, BYTES));
            let (stays, go) = pieces.split_last().unwrap();
            go.iter().for_each(|piece| libc::free(*piece));
            let before = resident_bytes();
            give_back_of_c_library();
            let after = resident_bytes();
            libc::free(*stays);
            assert!(after + PIECES * BYTES / 2 < before, "{before} bytes before, {after} after");
        }
    }
}
