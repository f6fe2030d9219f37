//! Starts a thread by its name, and lets whoever waits know when it has ended.
//! What it does is its starter's business.

use std::sync::mpsc::Sender;
use std::thread;

use crate::error::OpenError;

/// Runs `work`; `alive` is dropped when that is over.
pub(crate) fn start(
    name: &'static str,
    alive: Sender<()>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), OpenError> {
    let work = move || {
        work();
        drop(alive);
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|source| OpenError::Thread { name, source })
}
