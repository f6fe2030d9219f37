//! The module's door to JavaScript: two calls in, two out, with plain numbers and one text each, since every further
//! kind of value costs every visitor 100 to 500 bytes. `npm/src/browser/core.ts` holds the other end.

use crate::core::{Command, Now, Outcome, Priority, Said, Settings, Slot, Tracker, Transport};
use footfall_event_model::{Json, Violation};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "footfall:hands")]
extern "C" {
    /// Sends a batch: `how` is 1 for a beacon, plus 2 for key events. True where a beacon was taken; of a `fetch`,
    /// [`ANSWERED`] tells later.
    fn send(tracker: usize, handle: u32, how: u32, body: &str) -> bool;

    /// Tells something: the value of a slot to keep for later pages ([`Slot`] in its order), [`REFUSED`] or [`STATE`].
    fn hear(tracker: usize, what: u32, text: &str);
}

/// Why an event was refused.
const REFUSED: u32 = 3;

// What can be told; `npm/src/browser/core.ts` has the same list.
/// An event's name, after its properties as JSON and a line feed.
const TRACK: u32 = 0;
/// Properties as JSON and a line feed.
const PAGE: u32 = 1;
/// The user's id, after the traits as JSON and a line feed.
const IDENTIFY: u32 = 2;
const START_PAGE: u32 = 3;
const SET_USER: u32 = 4;
const SET_DEVICE: u32 = 5;
const KEY_EVENT: u32 = 6;
const REMEMBERED_ANONYMOUS_ID: u32 = 7;
const REMEMBERED_SESSION: u32 = 8;
const REMEMBERED_SEQ: u32 = 9;
const FLUSH: u32 = 10;
const HIDE: u32 = 11;
const LEAVE: u32 = 12;
const RESUME: u32 = 13;
/// Asks for the state as JSON.
const STATE: u32 = 14;
/// What became of a `fetch`, as numbers with spaces between: its handle; its status, 0 where there was no answer; how
/// long to wait before another attempt, in milliseconds, 0 where that was not said; places of the events to send again.
const ANSWERED: u32 = 15;
/// The tracker is at its end.
const STOP: u32 = 16;

thread_local! {
    /// The trackers of the page, each at the number that it is called by.
    static TRACKERS: RefCell<Vec<Option<Tracker>>> = const { RefCell::new(Vec::new()) };
}

/// Makes a tracker, with two random numbers as its seed, and returns its number.
#[wasm_bindgen]
pub fn start(flush_interval_ms: u32, flush_count: usize, private: bool, seed: u32, more_seed: u32) -> usize {
    let settings = Settings { flush_interval_ms, flush_count, private, ..Settings::default() };
    let tracker = Tracker::new(settings, u64::from(seed) << 32 | u64::from(more_seed));
    TRACKERS.with_borrow_mut(|trackers| {
        trackers.push(Some(tracker));
        trackers.len() - 1
    })
}

/// Tells a tracker something that happened at `at_ms`, with the readings of both clocks, and carries out what it wants.
/// Returns when to call again at the latest, on the monotonic clock; 0 where there is nothing to wait for.
#[wasm_bindgen]
pub fn tell(tracker: usize, what: u32, text: &str, at_ms: f64, unix_ms: f64, monotonic_ms: f64) -> f64 {
    let now = Now { unix_ms: unix_ms as u64, monotonic_ms: monotonic_ms as u64 };
    let refused = with(tracker, |core| take(core, what, text, at_ms as u64, now)).and_then(Result::err);
    // No borrow is held here: the page's own functions may run, and call back in.
    for violation in refused.unwrap_or_default() {
        hear(tracker, REFUSED, &violation.message);
    }
    if what == STATE
        && let Some(state) = with(tracker, |core| core.state())
    {
        hear(tracker, STATE, &state);
    }
    while let Some(commands) = with(tracker, Tracker::take_commands).filter(|commands| !commands.is_empty()) {
        for command in commands {
            match command {
                Command::Remember { slot, value } => hear(tracker, slot as u32, &value),
                Command::Send { handle, transport, priority, body } => {
                    let beacon = transport == Transport::Beacon;
                    let how = u32::from(beacon) + 2 * u32::from(priority == Priority::Key);
                    let taken = send(tracker, handle, how, &body);
                    if beacon {
                        with(tracker, |core| core.beaconed(handle, taken, now));
                    }
                }
            }
        }
    }
    if what == STOP {
        TRACKERS.with_borrow_mut(|trackers| trackers[tracker] = None);
    }
    with(tracker, |core| core.next_wake()).flatten().unwrap_or(0) as f64
}

fn with<T>(tracker: usize, act: impl FnOnce(&mut Tracker) -> T) -> Option<T> {
    TRACKERS.with_borrow_mut(|trackers| trackers.get_mut(tracker)?.as_mut().map(act))
}

fn take(core: &mut Tracker, what: u32, text: &str, at_ms: u64, now: Now) -> Result<(), Vec<Violation>> {
    match what {
        TRACK..=IDENTIFY => {
            // JSON that the engine wrote has no line feed in it.
            let end = text.bytes().position(|byte| byte == b'\n').unwrap_or(0);
            let name = text[end..].trim_start_matches('\n').to_owned();
            let said = match what {
                TRACK => Said::Track(name),
                PAGE => Said::Page,
                _ => Said::Identify(name),
            };
            return core.record(said, Json::parse(text[..end].to_owned()).ok(), at_ms, now);
        }
        START_PAGE => core.start_page(text, now),
        SET_USER => core.set_user(text.to_owned()),
        SET_DEVICE => core.set_device(text.to_owned()),
        KEY_EVENT => core.add_key_event(text.to_owned()),
        REMEMBERED_ANONYMOUS_ID => core.remembered(Slot::AnonymousId, text),
        REMEMBERED_SESSION => core.remembered(Slot::Session, text),
        REMEMBERED_SEQ => core.remembered(Slot::Seq, text),
        FLUSH => core.flush(now),
        HIDE => core.leave(false, now),
        LEAVE | STOP => core.leave(true, now),
        RESUME => core.resume(now),
        ANSWERED => {
            let mut numbers = numbers(text);
            let rest = numbers.split_off(numbers.len().min(3));
            if let [handle, status, asked] = numbers[..] {
                let outcome = match status {
                    0 => Outcome::Unreachable,
                    _ => Outcome::Answered {
                        status: status as u16,
                        retry_after_ms: Some(u64::from(asked)).filter(|asked| *asked > 0),
                        retry: rest,
                    },
                };
                core.answered(handle, &outcome, now);
            }
        }
        _ => core.wake(now),
    }
    Ok(())
}

/// Reads numbers with one space between each.
fn numbers(text: &str) -> Vec<u32> {
    let (mut numbers, mut number) = (Vec::new(), 0u32);
    for byte in text.bytes() {
        match byte {
            b' ' => numbers.push(std::mem::take(&mut number)),
            _ => number = number.wrapping_mul(10).wrapping_add(u32::from(byte.wrapping_sub(b'0'))),
        }
    }
    numbers.push(number);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_order() {
        assert_eq!(numbers("7 503 2000 0 14"), [7, 503, 2000, 0, 14]);
        assert_eq!(numbers("7 0 0"), [7, 0, 0]);
    }
}
