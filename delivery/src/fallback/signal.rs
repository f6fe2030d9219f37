//! Wakes a thread that waits for something to do: one bit, set by anybody, taken by that thread.
//! What there is to do, it finds out by itself.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    stopped: bool,
}

impl Signal {
    pub(crate) fn set(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).set = true;
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Waits until it is set, at most so long; `false` once stopped.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, at_most, |state| !state.set && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        state.set = false;
        !state.stopped
    }
}
