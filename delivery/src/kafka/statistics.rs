//! What librdkafka tells of its producer every few seconds: its queue, the way to the brokers and back, what it sent again.
//! Only what an operator looks at is read of it (librdkafka's STATISTICS.md describes all); how long records wait in the
//! queue is not, since it reckons that from the time at which they are given up, and here none is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::stats::{Percentiles, ProducerStats};

/// How often it is told, where `kafka.properties` does not say otherwise.
pub(super) const INTERVAL_MS: &str = "5000";

/// The part of librdkafka's own text that is read; times are in microseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Statistics {
    msg_cnt: u64,
    msg_size: u64,
    #[serde(default)]
    brokers: HashMap<String, Broker>,
}

#[derive(Debug, Deserialize)]
struct Broker {
    #[serde(default)]
    txretries: u64,
    rtt: Option<Window>,
}

#[derive(Debug, Deserialize)]
struct Window {
    cnt: u64,
    p50: u64,
    p99: u64,
}

/// What was told last, and what was told of the producers before this one.
#[derive(Debug, Default)]
pub(crate) struct LastStatistics(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: ProducerStats,
    /// Of this producer alone.
    retries: u64,
}

impl LastStatistics {
    /// Notes what was told.
    pub(crate) fn note(&self, told: &Statistics) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let retries = told.brokers.values().map(|broker| broker.txretries).sum::<u64>();
        // A producer that counts less than the one before has begun anew.
        let more = retries.checked_sub(state.retries).unwrap_or(retries);
        state.last = ProducerStats {
            records: told.msg_cnt,
            bytes: told.msg_size,
            retries: state.last.retries + more,
            round_trip: slowest(told.brokers.values().filter_map(|broker| broker.rtt.as_ref())),
        };
        state.retries = retries;
    }

    pub(crate) fn get(&self) -> ProducerStats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last
    }
}

/// Of the brokers that had something to do, the slowest.
fn slowest<'a>(windows: impl Iterator<Item = &'a Window>) -> Percentiles {
    windows.filter(|window| window.cnt > 0).fold(Percentiles::default(), |slowest, window| Percentiles {
        p50: slowest.p50.max(Duration::from_micros(window.p50)),
        p99: slowest.p99.max(Duration::from_micros(window.p99)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Statistics {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_slowest_broker_is_told_and_retries_are_counted_beyond_one_producer() {
        let last = LastStatistics::default();
        last.note(&told(
            r#"{"name":"x","msg_cnt":7,"msg_size":900,"brokers":{
            "a":{"txretries":2,"rtt":{"cnt":5,"p50":900,"p99":1500}},"b":{"txretries":1,"rtt":{"cnt":5,"p50":800,"p99":1600}},
            "c":{"rtt":{"cnt":0,"p50":99999,"p99":99999}}}}"#,
        ));
        let us = Duration::from_micros;
        let expected = ProducerStats {
            records: 7,
            bytes: 900,
            retries: 3,
            round_trip: Percentiles { p50: us(900), p99: us(1600) },
        };
        assert_eq!(last.get(), expected);
        last.note(&told(r#"{"msg_cnt":0,"msg_size":0,"brokers":{"a":{"txretries":4}}}"#));
        assert_eq!((last.get().retries, last.get().round_trip), (4, Percentiles::default()));
        // Another producer.
        last.note(&told(r#"{"msg_cnt":0,"msg_size":0,"brokers":{"a":{"txretries":1}}}"#));
        assert_eq!(last.get().retries, 5);
    }
}
