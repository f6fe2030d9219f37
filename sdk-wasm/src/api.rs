//! The module's door to JavaScript: two calls in, one out, with plain numbers and one text each, since every further
//! kind of value costs every visitor 100 to 500 bytes. `npm/src/browser/core.ts` holds the other end.

use crate::core::text::{line, number};
use crate::core::{Answer, Command, Done, Now, Said, Settings, Tracker, What};
use footfall_event_model::text::joined;
use footfall_event_model::{EventType, Violation};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "footfall:hands")]
extern "C" {
    /// Carries out a [`Command`](crate::core::Command): what it is by its place in [`What`](crate::core::What), its number and its text. Gives
    /// what became of it by its place in [`Done`].
    fn act(tracker: usize, what: u32, number: f64, text: &str) -> u32;
}

// What can be told; `npm/src/browser/core.ts` has the same list.
/// An event in three lines: its properties, its name, its sample rate ([`Said`]). Above the lowest five bits: its kind
/// (three bits, by its place), whether the site counts on it, its category of consent.
const RECORD: u32 = 0;
/// The page as a JSON object.
const START_PAGE: u32 = 1;
const SET_USER: u32 = 2;
/// The device as members of a JSON object.
const SET_DEVICE: u32 = 3;
const SET_CAMPAIGN: u32 = 4;
/// A byte for each category, then a line with the same as JSON.
const SET_CONSENT: u32 = 5;
const RESET: u32 = 6;
/// The id of a batch, then the lines that were kept of it.
const ADOPT: u32 = 7;
/// This and the five after it: the values of the slots, by their places in [`What`].
const RECALL: u32 = 8;
const SLOTS: [What; 6] =
    [What::AnonymousId, What::Session, What::User, What::Group, What::Dropped, What::Seq];
const FLUSH: u32 = 14;
const HIDE: u32 = 15;
const LEAVE: u32 = 16;
const RESUME: u32 = 17;
const STATE: u32 = 18;
/// What became of a `fetch`, as numbers with spaces between: its handle; its status, 0 where there was no answer; how
/// long to wait before another attempt, in milliseconds, 0 where that was not said. Then a line for each receipt.
const ANSWERED: u32 = 19;
const KEEP_NOW: u32 = 20;

/// Never dropped: the module lives as long as its page, and a destructor would have to be registered.
type Trackers = ManuallyDrop<Vec<Tracker>>;

thread_local! {
    /// The trackers of the page, each at the number that it is called by.
    static TRACKERS: RefCell<Trackers> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Makes a tracker with that number, instead of one that is at its end or after all there are. Two random numbers are
/// its seed; `how` is 1 for anonymous mode, plus 2 where batches are kept.
#[wasm_bindgen]
pub fn start(
    tracker: usize,
    flush_interval_ms: u32,
    flush_count: usize,
    queue_bytes: usize,
    how: u32,
    seed: u32,
    more_seed: u32,
) {
    let settings = Settings {
        flush_interval_ms,
        flush_count,
        queue_bytes,
        private: how & 1 > 0,
        keeps: how & 2 > 0,
        ..Settings::default()
    };
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
    let mut done: Option<(Command, Done)> = None;
    // No borrow is held while a command is carried out: the page's own functions may run, and call back in.
    while let Some(Some(command)) = with(tracker, |core| {
        if let Some(text) = text.take()
            && let Err(refused) = take(core, what, text, at_ms as u64, now)
        {
            core.explain(refused);
        }
        if let Some((command, became)) = done.take() {
            core.done(&command, became, now);
        }
        core.next_command()
    }) {
        let became = match act(tracker, command.what as u32, command.number as f64, &command.text) {
            0 => Done::No,
            1 => Done::Yes,
            _ => Done::Taken,
        };
        done = Some((command, became));
    }
    with(tracker, |core| core.next_wake()).flatten().unwrap_or(0) as f64
}

fn with<T>(tracker: usize, act: impl FnOnce(&mut Tracker) -> T) -> Option<T> {
    TRACKERS.with_borrow_mut(|trackers| trackers.get_mut(tracker).map(act))
}

fn take(core: &mut Tracker, what: u32, text: &str, at_ms: u64, now: Now) -> Result<(), Vec<Violation>> {
    let mut rest = text;
    match what & 31 {
        RECORD => {
            let flags = (what >> 5) as usize;
            let mut next = || line(&mut rest);
            let said = Said {
                kind: EventType::ALL[(flags & 7).min(5)],
                key_event: flags & 8 > 0,
                category: flags >> 4,
                text: next(),
                name: next(),
                rate: next(),
            };
            return core.record(said, at_ms, now);
        }
        START_PAGE => core.start_page(text, now),
        SET_USER => core.set_user(text),
        SET_DEVICE => core.set_device(joined(&[text])),
        SET_CAMPAIGN => core.set_campaign(text),
        SET_CONSENT => core.set_consent(line(&mut rest), rest, now),
        RESET => core.reset(),
        ADOPT => core.adopt(text, now),
        slot @ RECALL..FLUSH => core.recall(SLOTS[(slot - RECALL) as usize], text),
        FLUSH => core.flush(now),
        HIDE => core.leave(false, now),
        LEAVE => core.leave(true, now),
        RESUME => core.resume(now),
        STATE => core.tell_state(),
        ANSWERED => {
            let (handle, answer) = answer(text);
            core.answered(handle, &answer, now);
        }
        KEEP_NOW => core.keep(now),
        _ => core.wake(now),
    }
    Ok(())
}

/// Reads what [`ANSWERED`] tells.
fn answer(mut text: &str) -> (u64, Answer) {
    let mut numbers = line(&mut text);
    let handle = number(&mut numbers);
    let answer = Answer {
        status: number(&mut numbers) as usize,
        retry_after_ms: number(&mut numbers),
        receipts: joined(&[text]),
    };
    (handle, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_number_by_number() {
        let busy = Answer { status: 503, retry_after_ms: 2_000, receipts: "a s\nb u".into() };
        assert_eq!(answer("7 503 2000\na s\nb u"), (7, busy));
        assert_eq!(answer("8 0 0"), (8, Answer::default()));
    }
}
