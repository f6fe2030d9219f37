//! What librdkafka's producer tells, event by event: the reports of a whole produce request come in one of them.
//! The binding tells each record's fate in a call of its own, so that nothing could be done once for all of them.
#![allow(unsafe_code, reason = "the Rust binding passes on no event as a whole")]

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as c;
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;

use super::context::{Report, ReportContext, Reports};
use super::failure::refused;
use crate::receipt::Position;

/// So many events are passed on in one go; then others have their turn.
const EVENTS_AT_ONCE: usize = 32;

/// The queue in which a producer's events wait.
pub(super) struct Events {
    queue: *mut c::rd_kafka_queue_t,
    /// Who is told that something waits; librdkafka holds a pointer into it.
    listener: Box<Listener>,
    /// Held by whoever passes on what there is.
    passing: Mutex<()>,
}

// SAFETY: librdkafka's queues may be used by any thread, and by several at once.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

struct Listener(Arc<dyn Reports>);

impl Events {
    /// Tells from now on whenever something waits that was not there before.
    pub(super) fn of(client: &Client<ReportContext>) -> Self {
        let listener = Box::new(Listener(Arc::clone(&client.context().reports)));
        // SAFETY: the client lives during this call; the queue counts who refers to it, and lives until the last is gone.
        // What the pointer stands for lives as long as this, whose end takes the pointer back.
        let queue = unsafe {
            let queue = c::rd_kafka_queue_get_main(client.native_ptr());
            c::rd_kafka_queue_cb_event_enable(
                queue,
                Some(something_waits),
                ptr::from_ref(&*listener).cast_mut().cast(),
            );
            queue
        };
        Self { queue, listener, passing: Mutex::default() }
    }

    /// Passes on what waits, without waiting itself; does nothing where somebody else does so.
    pub(super) fn pass_on_all(&self, context: &ReportContext) {
        let passing = self.passing.try_lock();
        if matches!(passing, Err(TryLockError::WouldBlock)) {
            return;
        }
        for _ in 0..EVENTS_AT_ONCE {
            if !self.pass_on(Duration::ZERO, context) {
                return;
            }
        }
        self.listener.0.waiting();
    }

    /// Waits at most so long for one event and passes it on; `false` where none came.
    pub(super) fn pass_on(&self, at_most: Duration, context: &ReportContext) -> bool {
        let milliseconds = i32::try_from(at_most.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive. The event is this call's own, and is given back behind all that is read from it.
        unsafe {
            let event = c::rd_kafka_queue_poll(self.queue, milliseconds);
            if event.is_null() {
                return false;
            }
            match c::rd_kafka_event_type(event) {
                c::RD_KAFKA_EVENT_DR => context.reports.settled(&mut Told { event }),
                c::RD_KAFKA_EVENT_ERROR => {
                    let reason = CStr::from_ptr(c::rd_kafka_event_error_string(event)).to_string_lossy();
                    context.error(KafkaError::Global(c::rd_kafka_event_error(event).into()), reason.trim());
                }
                c::RD_KAFKA_EVENT_STATS => {
                    context.stats_raw(CStr::from_ptr(c::rd_kafka_event_stats(event)).to_bytes());
                }
                other => tracing::debug!("an event of librdkafka that nobody waits for: {other}"),
            }
            c::rd_kafka_event_destroy(event);
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
unsafe extern "C" fn something_waits(_: *mut c::rd_kafka_t, listener: *mut c_void) {
    // SAFETY: the pointer is the one that `of` gave, which is taken back before what it stands for ends.
    unsafe { &*listener.cast::<Listener>() }.0.waiting();
}

/// The reports in one event, in the order in which the records were sent to their partition.
struct Told {
    /// Alive for as long as this is.
    event: *mut c::rd_kafka_event_t,
}

impl Iterator for Told {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        // SAFETY: the event is alive, and so is what it gives, until it is given back.
        let message = unsafe { c::rd_kafka_event_message_next(self.event).as_ref() }?;
        let fate = match message.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {
                Ok(Position { partition: message.partition, offset: message.offset })
            }
            error => Err(refused(&KafkaError::MessageProduction(error.into()))),
        };
        Some(Report { opaque: message._private.addr(), fate })
    }
}
