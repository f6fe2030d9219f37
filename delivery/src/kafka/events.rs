//! What librdkafka's producer tells, event by event: the reports of a whole produce request come in one of them.
//! The binding tells each record's fate in a call of its own, so that nothing could be done once for all of them.
#![allow(unsafe_code, reason = "the Rust binding passes on no event as a whole")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as c;
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::util::IntoOpaque as _;

use super::context::{Report, ReportContext, fate, log};
use super::lent::Lent;

/// So many events are passed on in one go; then others have their turn.
const EVENTS_AT_ONCE: usize = 32;

/// The queue in which a producer's events wait. It must end before the client does that it is of.
pub(super) struct Events {
    queue: *mut c::rd_kafka_queue_t,
    /// Held by whoever passes on what there is, so that reports are told in their order.
    passing: Mutex<()>,
}

// SAFETY: librdkafka's queues may be used by any thread, and by several at once.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    /// Tells the client's context from now on whenever something waits and nothing did.
    pub(super) fn of(client: &Client<ReportContext>) -> Self {
        let context = Arc::as_ptr(client.context());
        // SAFETY: the client lives during this call; the queue counts who refers to it, and lives until the last is gone. The
        // client owns its context, and the end of this, which comes first, takes the pointer back.
        let queue = unsafe {
            let queue = c::rd_kafka_queue_get_main(client.native_ptr());
            c::rd_kafka_queue_cb_event_enable(queue, Some(something_waits), context.cast_mut().cast());
            queue
        };
        Self { queue, passing: Mutex::default() }
    }

    /// Passes on what waits, up to a bound, without waiting itself; `true` where more may wait.
    pub(super) fn pass_on(&self, context: &ReportContext) -> bool {
        let _passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        (0..EVENTS_AT_ONCE).all(|_| self.pass_on_one(Duration::ZERO, context))
    }

    /// Waits at most so long for one event and passes it on; `false` where none came.
    pub(super) fn pass_on_one(&self, at_most: Duration, context: &ReportContext) -> bool {
        let milliseconds = i32::try_from(at_most.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive, and what it gives is the caller's own.
        let event = Event(unsafe { c::rd_kafka_queue_poll(self.queue, milliseconds) });
        if event.0.is_null() {
            return false;
        }
        match event.kind() {
            c::RD_KAFKA_EVENT_DR => context.reports.settled(&mut Told { event: &event }),
            c::RD_KAFKA_EVENT_ERROR => event.error(context),
            c::RD_KAFKA_EVENT_STATS => context.stats_raw(event.statistics()),
            c::RD_KAFKA_EVENT_LOG => event.log(),
            other => tracing::debug!("an event of librdkafka that nobody waits for: {other}"),
        }
        true
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // SAFETY: the queue was ours since `of`, and is not used again. librdkafka calls back under the queue's lock, which
        // taking the pointer back takes too, so that no call is under way behind it.
        unsafe {
            c::rd_kafka_queue_cb_event_enable(self.queue, None, ptr::null_mut());
            c::rd_kafka_queue_destroy(self.queue);
        }
    }
}

/// Called by librdkafka's threads, which must not be held up.
unsafe extern "C" fn something_waits(_: *mut c::rd_kafka_t, context: *mut c_void) {
    // SAFETY: the pointer is the one that `of` gave, which is taken back before what it stands for ends.
    unsafe { &*context.cast::<ReportContext>() }.reports.waiting();
}

/// An event, or null where none came; given back with all that was read from it.
struct Event(*mut c::rd_kafka_event_t);

impl Event {
    fn kind(&self) -> i32 {
        // SAFETY: the event is alive.
        unsafe { c::rd_kafka_event_type(self.0) }
    }

    fn error(&self, context: &ReportContext) {
        // SAFETY: the event is alive, and its words as long as it is.
        let (code, words) = unsafe {
            (c::rd_kafka_event_error(self.0), CStr::from_ptr(c::rd_kafka_event_error_string(self.0)))
        };
        context.error(KafkaError::Global(code.into()), words.to_string_lossy().trim());
    }

    fn statistics(&self) -> &[u8] {
        // SAFETY: the event is alive and one of statistics, and its text lives as long.
        unsafe { CStr::from_ptr(c::rd_kafka_event_stats(self.0)) }.to_bytes()
    }

    fn log(&self) {
        let (mut facility, mut words): (*const c_char, *const c_char) = (ptr::null(), ptr::null());
        let mut level = 0;
        // SAFETY: the event is alive; where it is one of the log, its texts are set and live as long.
        let (facility, words) = unsafe {
            if c::rd_kafka_event_log(self.0, &raw mut facility, &raw mut words, &raw mut level) != 0 {
                return;
            }
            (CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(words).to_string_lossy())
        };
        log(level, facility.trim(), words.trim());
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it was ours since it came, and is not used again; librdkafka takes null for nothing.
        unsafe { c::rd_kafka_event_destroy(self.0) };
    }
}

/// The reports in one event, in the order in which the records were sent to their partition.
struct Told<'a> {
    event: &'a Event,
}

impl Iterator for Told<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        // SAFETY: the event is alive, and so is what it gives, until it is given back.
        let message = unsafe { c::rd_kafka_event_message_next(self.event.0).as_ref() }?;
        let error = KafkaError::MessageProduction(message.err.into());
        let failed = message.err != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        let fate = fate(failed.then_some(&error), message.partition, message.offset);
        // SAFETY: every record came from `hand_over`, and a message is told once.
        let lent = unsafe { Lent::from_ptr(message._private) };
        Some(Report { opaque: lent.number(), fate })
    }
}
