//! What is counted of that which protects the server: limits, shedding, and what policies drop.
//! Each label has a few values that are known here.

use super::from_zero;
use crate::refusal::Refused;
use footfall_delivery::Priority;
use footfall_event_model::{EventResult, EventStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    /// `key` or `address`.
    of: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PriorityLabels {
    /// `background`, `normal` or `key`.
    priority: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    /// `gpc`, `dnt`, `bot` or `anonymous`: the code that stands in the answer.
    code: Cow<'static, str>,
}

/// The codes of all policies that drop events, which are told from zero on.
const POLICIES: [&str; 4] = ["gpc", "dnt", "bot", "anonymous"];

/// The counters.
#[derive(Debug, Default)]
pub struct ProtectMetrics {
    rate_limited: Family<LimitLabels, Counter>,
    shed: Family<PriorityLabels, Counter>,
    dropped: Family<PolicyLabels, Counter>,
}

impl ProtectMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests refused because a limit was used up, by whose limit";
        registry.register("rate_limited", help, self.rate_limited.clone());
        from_zero(&self.rate_limited, ["key", "address"].map(|of| LimitLabels { of }));
        let help = "Requests refused because too much was in flight, by their priority";
        registry.register("shed", help, self.shed.clone());
        from_zero(&self.shed, ["background", "normal", "key"].map(|priority| PriorityLabels { priority }));
        let help = "Events that a site's policy dropped, by the code in the answer";
        registry.register("events_dropped_by_policy", help, self.dropped.clone());
        from_zero(&self.dropped, POLICIES.map(|code| PolicyLabels { code: code.into() }));
    }

    /// Counts the events of a batch that a policy dropped.
    pub fn count_dropped(&self, code: &'static str, events: usize) {
        self.dropped.get_or_create(&PolicyLabels { code: code.into() }).inc_by(events as u64);
    }

    /// Counts those of a batch's events that a policy dropped, each by its own; each code is a word of this program.
    pub fn count_dropped_of(&self, entries: &[EventResult]) {
        let dropped = entries.iter().filter(|entry| entry.status == EventStatus::Dropped);
        for code in dropped.filter_map(|entry| entry.code.clone()) {
            self.dropped.get_or_create(&PolicyLabels { code: code.into() }).inc();
        }
    }

    /// Counts a request that a limit or the load refused.
    pub(super) fn count_refusal(&self, refused: &Refused) {
        match refused {
            Refused::RateLimited { of, .. } => {
                self.rate_limited.get_or_create(&LimitLabels { of: of.name() }).inc();
            }
            Refused::Shed(priority) => {
                let priority = match priority {
                    Priority::Background => "background",
                    Priority::Normal => "normal",
                    Priority::Key => "key",
                };
                self.shed.get_or_create(&PriorityLabels { priority }).inc();
            }
            _ => {}
        }
    }
}
