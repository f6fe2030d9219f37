//! Asks librdkafka to commit a transaction, and tells what can be done where it is not.
//! What is committed when is `transactions`' business.
//!
//! The binding's own call flushes first, by polling for a tenth of a second at a time, and never comes to the commit where a
//! transaction is to be aborted: its records then wait for ever. librdkafka's call says so at once.
#![allow(unsafe_code, reason = "the Rust binding's call cannot be used; see above")]

use std::ffi::CStr;
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::producer::{BaseProducer, Partitioner, Producer as _, ProducerContext};

/// Why a transaction is not committed, with librdkafka's words.
#[derive(Debug)]
pub(super) enum NotCommitted {
    /// It goes on, and is to be asked for again.
    Yet(String),
    /// It never will be: it must be aborted.
    Abort(String),
    /// The producer has ended.
    Ended(String),
}

/// Waits at most so long. Reports must be polled for by another thread meanwhile.
pub(super) fn commit<C: ProducerContext<P>, P: Partitioner>(
    producer: &BaseProducer<C, P>,
    at_most: Duration,
) -> Result<(), NotCommitted> {
    let timeout_ms = i32::try_from(at_most.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client outlives the call; the error, where there is one, is ours and is destroyed once.
    unsafe {
        let error = c::rd_kafka_commit_transaction(producer.client().native_ptr(), timeout_ms);
        if error.is_null() {
            return Ok(());
        }
        let words = CStr::from_ptr(c::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        let told = if c::rd_kafka_error_txn_requires_abort(error) != 0 {
            NotCommitted::Abort(words)
        } else if c::rd_kafka_error_is_retriable(error) != 0 {
            NotCommitted::Yet(words)
        } else {
            NotCommitted::Ended(words)
        };
        c::rd_kafka_error_destroy(error);
        Err(told)
    }
}
