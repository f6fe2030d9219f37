//! Hands one record to librdkafka, which reads the value where it stands. The binding has each value copied, and each topic
//! looked up by its name, under a lock that all of librdkafka's threads need.
#![allow(unsafe_code, reason = "the Rust binding names topics by text alone, and has every value copied")]

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};

use rdkafka::bindings as c;
use rdkafka::client::Client;
use rdkafka::error::{IsError as _, KafkaError, RDKafkaErrorCode};
use rdkafka::util::IntoOpaque;

use super::context::ReportContext;
use super::lent::Lent;
use crate::headers::Headers;
use crate::record::Record;

/// A topic as librdkafka knows it. It must end before the client does that it is of, and is used with that one alone.
pub(super) struct Handle(NonNull<c::rd_kafka_topic_t>);

// SAFETY: librdkafka's topics may be used by any thread, and by several at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Makes the topic known to librdkafka, which asks the brokers for its partitions; whether they have it shows later.
    pub(super) fn new(client: &Client<ReportContext>, name: &str) -> Result<Self, KafkaError> {
        let name = CString::new(name)?;
        // SAFETY: the client lives during this call, and the name ends with a zero; null stands for the client's own settings.
        let handle = unsafe { c::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), ptr::null_mut()) };
        // SAFETY: it reads what the call above left for this thread.
        NonNull::new(handle).map(Self).ok_or_else(|| failed(unsafe { c::rd_kafka_last_error() }))
    }

    /// Hands over a record of this topic, at that time (in Unix milliseconds, and not 0). Its fate is reported under the number in
    /// what is lent with it, unless it is told at once.
    pub(super) fn hand_over(
        &self,
        client: &Client<ReportContext>,
        record: &Record,
        handed_at: i64,
        lent: Lent,
    ) -> Result<(), KafkaError> {
        let headers = OwnHeaders::of(&record.headers)?;
        let (key, key_bytes) = record.key.as_ref().map_or((ptr::null(), 0), |key| (key.as_ptr(), key.len()));
        let (value, value_bytes) = (record.payload.as_ptr(), record.payload.len());
        let lent = lent.into_ptr();
        // SAFETY: client and topic are alive, and the topic is of that client. Each argument has the type that its tag stands
        // for, and the last tag ends them. The key is copied. The value is not, nor is it freed, since no flags say so: it
        // stays until the fate is told, since what librdkafka carries holds its batch. The headers are librdkafka's own where this
        // succeeds, and nobody's where it does not. Of what it carries nothing is used here afterwards unless it fails.
        let error = unsafe {
            c::rd_kafka_producev(
                client.native_ptr(),
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT,
                self.0.as_ptr(),
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
                value.cast::<c_void>(),
                value_bytes,
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
                key.cast::<c_void>(),
                key_bytes,
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP,
                handed_at,
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE,
                lent,
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
                headers.0,
                c::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
            )
        };
        if error.is_error() {
            // SAFETY: librdkafka has taken nothing.
            drop(unsafe { Lent::from_ptr(lent) });
            return Err(failed(error));
        }
        std::mem::forget(headers);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it was ours since `new`, and is not used again.
        unsafe { c::rd_kafka_topic_destroy(self.0.as_ptr()) };
    }
}

/// Headers as librdkafka holds them, null for none; given back unless it takes them.
struct OwnHeaders(*mut c::rd_kafka_headers_t);

impl OwnHeaders {
    fn of(headers: &Headers) -> Result<Self, KafkaError> {
        if headers.is_empty() {
            return Ok(Self(ptr::null_mut()));
        }
        // SAFETY: it only makes room.
        let own = Self(unsafe { c::rd_kafka_headers_new(headers.len()) });
        for header in headers.iter() {
            let (name, value) = (header.name.as_bytes(), header.value);
            // SAFETY: the headers are alive and ours alone; name and value are copied, and are as long as is said. No slice is
            // longer than an `isize` tells.
            let error = unsafe {
                c::rd_kafka_header_add(
                    own.0,
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    value.as_ptr().cast(),
                    value.len().cast_signed(),
                )
            };
            if error.is_error() {
                return Err(failed(error));
            }
        }
        Ok(own)
    }
}

impl Drop for OwnHeaders {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: librdkafka has not taken them.
            unsafe { c::rd_kafka_headers_destroy(self.0) };
        }
    }
}

fn failed(error: c::rd_kafka_resp_err_t) -> KafkaError {
    KafkaError::MessageProduction(RDKafkaErrorCode::from(error))
}
