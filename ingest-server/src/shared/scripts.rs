//! What Redis is asked to do: Lua scripts, each one command that is carried out whole.
//! They are loaded when a connection begins, and again where Redis has forgotten them.

use redis::Script;
use std::sync::LazyLock;

/// A script, and its name in metrics.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(super) script: LazyLock<Script>,
}

/// The events of one call, at most: Redis answers nobody else meanwhile, and a command may take `redis.timeout`. A
/// batch of more is told in several.
pub(super) const EVENTS_AT_ONCE: usize = 500;

macro_rules! command {
    ($name:literal) => {
        Command {
            name: $name,
            script: LazyLock::new(|| Script::new(include_str!(concat!("scripts/", $name, ".lua")))),
        }
    };
}

pub(super) static TAKE_TOKENS: Command = command!("take_tokens");
pub(super) static RESERVE_BATCH: Command = command!("reserve_batch");
pub(super) static RESERVE_EVENTS: Command = command!("reserve_events");
pub(super) static SETTLE: Command = command!("settle");
pub(super) static ASK: Command = command!("ask");
pub(super) static FORGET: Command = command!("forget");
pub(super) static PROBE: Command = command!("probe");

/// All of them.
pub(super) static ALL: [&Command; 7] =
    [&TAKE_TOKENS, &RESERVE_BATCH, &RESERVE_EVENTS, &SETTLE, &ASK, &FORGET, &PROBE];
