//! What is counted of Redis, where servers share through one: commands by what they came to, and whether it is there.
//! Where none is set, none of this stands among the metrics.

use crate::shared::Command;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    /// The script's name.
    command: &'static str,
    /// `ok`; `timeout` or `error`, whereupon Redis is taken to be away; `away` or `busy`, where it was not sent.
    result: &'static str,
}

/// The counters.
#[derive(Debug, Clone)]
pub struct RedisMetrics {
    commands: Family<CommandLabels, Counter>,
    seconds: Histogram,
    connected: Gauge,
    /// Batches that Redis is to be told of when it is back.
    pub(crate) untold: Gauge,
    /// Batches that it will not be told of.
    pub(crate) lost: Counter,
}

impl Default for RedisMetrics {
    fn default() -> Self {
        Self {
            commands: Family::default(),
            // From 125 µs to a second, the longest timeout there is.
            seconds: Histogram::new(exponential_buckets(0.000_125, 2.0, 14)),
            connected: Gauge::default(),
            untold: Gauge::default(),
            lost: Counter::default(),
        }
    }
}

impl RedisMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Commands to Redis by what they came to";
        registry.register("redis_commands", help, self.commands.clone());
        let help = "How long commands of requests took that Redis answered";
        registry.register_with_unit("redis_command", help, Unit::Seconds, self.seconds.clone());
        registry.register("redis_connected", "1 while Redis is there, else 0", self.connected.clone());
        let help = "Batches that Redis is to be told of when it is back";
        registry.register("redis_untold_batches", help, self.untold.clone());
        let help = "Batches that it was away for and will not be told of";
        registry.register("redis_lost_batches", help, self.lost.clone());
    }

    /// Counts a command.
    pub(crate) fn count(&self, command: &Command, result: &'static str) {
        self.commands.get_or_create(&CommandLabels { command: command.name, result }).inc();
    }

    /// Notes how long an answer took.
    pub(crate) fn observe(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    /// Notes whether Redis is there.
    pub(crate) fn set_connected(&self, connected: bool) {
        self.connected.set(i64::from(connected));
    }
}
