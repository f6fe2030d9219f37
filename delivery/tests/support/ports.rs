//! Ports for servers that are started by a test and listen a little later.
//! They lie below those that a system gives to outgoing connections (from 32768 on, or higher): none is taken meanwhile.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u16 = 15_000;
const COUNT: u32 = 17_000;

/// Ports that nobody listens on now, and that no other test of this process is given.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| free_port())
}

/// The same, one.
pub(crate) fn free_port() -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin at places of their own.
    let begin = process::id().wrapping_mul(97);
    loop {
        let place = begin.wrapping_add(TURN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + place as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
