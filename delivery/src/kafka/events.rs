//! What librdkafka's producer tells, event by event: the reports of a whole produce request come in one of them.
//! The binding tells each record's fate in a call of its own, so that nothing could be done once for all of them.
#![allow(unsafe_code, reason = "the Rust binding passes on no event as a whole")]

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as c;
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;

use super::context::{Report, ReportContext};
use super::failure::refused;
use crate::receipt::Position;

/// The queue in which a producer's events wait.
pub(super) struct Events {
    queue: *mut c::rd_kafka_queue_t,
}

// SAFETY: librdkafka's queues may be used by any thread, and by several at once.
unsafe impl Send for Events {}
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    pub(super) fn of(client: &Client<ReportContext>) -> Self {
        // SAFETY: the client lives during this call; the queue counts who refers to it, and lives until the last is gone.
        Self { queue: unsafe { c::rd_kafka_queue_get_main(client.native_ptr()) } }
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
        // SAFETY: it was ours since `of`, and is not used again.
        unsafe { c::rd_kafka_queue_destroy(self.queue) };
    }
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
