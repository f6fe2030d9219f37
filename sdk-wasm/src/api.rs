//! The module's door to JavaScript: two calls in, two out, with plain numbers and one text each, since every further
//! kind of value costs every visitor 100 to 500 bytes. `npm/src/browser/core.ts` holds the other end.

use crate::core::{Answer, Command, Now, Priority, Said, Settings, Tracker, Transport};
use footfall_event_model::{Json, Violation};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "footfall:hands")]
extern "C" {
    /// Sends a batch: `how` is 1 for a beacon, plus 2 for key events. True where a beacon was taken; of a `fetch`,
    /// [`ANSWERED`] tells later.
    fn send(tracker: usize, handle: u32, how: u32, body: &str) -> bool;

    /// Tells something; `what` is a [`Topic`](crate::core::Topic), by its place.
    fn hear(tracker: usize, what: u32, text: &str);
}

// What can be told; `npm/src/browser/core.ts` has the same list.
/// An event's name, after its properties as JSON and a line feed.
const TRACK: u32 = 0;
/// The same, of an event that the site counts on.
const TRACK_KEY: u32 = 1;
/// The user's id, after the traits as JSON and a line feed.
const IDENTIFY: u32 = 2;
/// Properties as JSON and a line feed.
const PAGE: u32 = 3;
/// The page as a JSON object.
const START_PAGE: u32 = 4;
const SET_USER: u32 = 5;
/// The device as members of a JSON object.
const SET_DEVICE: u32 = 6;
const SET_ANONYMOUS_ID: u32 = 7;
/// A session's id, at its last activity.
const SET_SESSION: u32 = 8;
/// The next `seq`, as the time.
const SET_SEQ: u32 = 9;
const FLUSH: u32 = 10;
const HIDE: u32 = 11;
const LEAVE: u32 = 12;
const RESUME: u32 = 13;
const STATE: u32 = 14;
/// What became of a `fetch`, as numbers with spaces between: its handle; its status, 0 where there was no answer; how
/// long to wait before another attempt, in milliseconds, 0 where that was not said; places of the events to send again.
const ANSWERED: u32 = 15;

/// Never dropped: the module lives as long as its page, and a destructor would have to be registered.
type Trackers = ManuallyDrop<Vec<Tracker>>;

thread_local! {
    /// The trackers of the page, each at the number that it is called by.
    static TRACKERS: RefCell<Trackers> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Makes a tracker with that number, instead of one that is at its end or after all there are. Two random numbers are
/// its seed.
#[wasm_bindgen]
pub fn start(
    tracker: usize,
    flush_interval_ms: u32,
    flush_count: usize,
    private: bool,
    seed: u32,
    more_seed: u32,
) {
    let settings = Settings { flush_interval_ms, flush_count, private, ..Settings::default() };
    let made = Tracker::new(settings, u64::from(seed) << 32 | u64::from(more_seed));
    TRACKERS.with_borrow_mut(|trackers| match trackers.get_mut(tracker) {
        Some(place) => *place = made,
        None => trackers.push(made),
    });
}

/// Tells a tracker something that happened at `at_ms`, with the readings of both clocks, and carries out what it wants.
/// Returns when to call again at the latest, on the monotonic clock; 0 where there is nothing to wait for.
#[wasm_bindgen]
pub fn tell(tracker: usize, what: u32, text: &str, at_ms: f64, unix_ms: f64, monotonic_ms: f64) -> f64 {
    let now = Now { unix_ms: unix_ms as u64, monotonic_ms: monotonic_ms as u64 };
    let mut text = Some(text);
    let mut beacon = None;
    // No borrow is held while a command is carried out: the page's own functions may run, and call back in.
    while let Some(Some(command)) = with(tracker, |core| {
        if let Some(text) = text.take()
            && let Err(refused) = take(core, what, text, at_ms as u64, now)
        {
            core.explain(refused);
        }
        if let Some((handle, taken)) = beacon.take() {
            core.beaconed(handle, taken, now);
        }
        core.next_command()
    }) {
        match command {
            Command::Tell { what, text } => hear(tracker, what as u32, &text),
            Command::Send { handle, transport, priority, body } => {
                let is_beacon = transport == Transport::Beacon;
                let how = u32::from(is_beacon) + 2 * u32::from(priority == Priority::Key);
                let taken = send(tracker, handle, how, &body);
                beacon = is_beacon.then_some((handle, taken));
            }
        }
    }
    with(tracker, |core| core.next_wake()).flatten().unwrap_or(0) as f64
}

fn with<T>(tracker: usize, act: impl FnOnce(&mut Tracker) -> T) -> Option<T> {
    TRACKERS.with_borrow_mut(|trackers| trackers.get_mut(tracker).map(act))
}

fn take(core: &mut Tracker, what: u32, text: &str, at_ms: u64, now: Now) -> Result<(), Vec<Violation>> {
    match what {
        TRACK..=PAGE => {
            // JSON that the engine wrote has no line feed in it.
            let end = text.bytes().position(|byte| byte == b'\n').unwrap_or(0);
            let name = text.get(end + 1..).unwrap_or_default().to_owned();
            let said = match what {
                TRACK => Said::Track(name),
                TRACK_KEY => Said::TrackKey(name),
                IDENTIFY => Said::Identify(name),
                _ => Said::Page,
            };
            return core.record(said, Json::parse(text[..end].to_owned()).ok(), at_ms, now);
        }
        START_PAGE => core.start_page(text, now),
        SET_USER => core.set_user(text.to_owned()),
        SET_DEVICE => core.set_device(text.to_owned()),
        SET_ANONYMOUS_ID => core.set_anonymous_id(text.to_owned()),
        SET_SESSION => core.set_session(text.to_owned(), at_ms),
        SET_SEQ => core.set_seq(at_ms),
        FLUSH => core.flush(now),
        HIDE => core.leave(false, now),
        LEAVE => core.leave(true, now),
        RESUME => core.resume(now),
        STATE => core.tell_state(),
        ANSWERED => {
            let (handle, answer) = answer(text);
            core.answered(handle as u32, &answer, now);
        }
        _ => core.wake(now),
    }
    Ok(())
}

/// Reads what [`ANSWERED`] tells.
fn answer(text: &str) -> (usize, Answer) {
    let (mut handle, mut answer) = (0, Answer::default());
    let (mut place, mut number) = (0, 0usize);
    for byte in text.bytes().chain([b' ']) {
        if byte != b' ' {
            number = number.wrapping_mul(10).wrapping_add(usize::from(byte.wrapping_sub(b'0')));
            continue;
        }
        match place {
            0 => handle = number,
            1 => answer.status = number,
            2 => answer.retry_after_ms = number as u64,
            _ => answer.retry.push(number),
        }
        (place, number) = (place + 1, 0);
    }
    (handle, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_number_by_number() {
        let partial = Answer { status: 200, retry_after_ms: 2_000, retry: vec![0, 14] };
        assert_eq!(answer("7 200 2000 0 14"), (7, partial));
        assert_eq!(answer("8 0 0"), (8, Answer::default()));
    }
}
