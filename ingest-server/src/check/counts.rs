//! How often events did not fit their tracking plan, by name; names that anybody can make up are bounded.
//! Where the metric is registered and written is `metrics`' part.

use super::plan::Plan;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Names beside those that the plans declare; all further ones are counted as `other`.
const MOST_NAMES: usize = 200;

/// An event that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PlanLabels {
    /// Its name, or its type where it has none, or `other`.
    pub event: String,
    /// The rule, or `deprecated`.
    pub code: &'static str,
}

/// How often events did not fit their tracking plan.
#[derive(Debug, Default)]
pub struct PlanCounts {
    violations: Family<PlanLabels, Counter>,
    names: RwLock<HashSet<String>>,
}

impl PlanCounts {
    /// Registers what is counted.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Violations of tracking plans by event and rule, and events that a plan calls deprecated";
        registry.register("plan_violations", help, self.violations.clone());
    }

    pub(super) fn count(&self, plan: &Plan, name: &str, code: &'static str) {
        let event = if plan.declares(name) || self.has_room_for(name) { name } else { "other" };
        self.violations.get_or_create(&PlanLabels { event: event.to_owned(), code }).inc();
    }

    fn has_room_for(&self, name: &str) -> bool {
        if self.names.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return true;
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.contains(name) || (names.len() < MOST_NAMES && names.insert(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_declared_are_counted_apart_up_to_a_bound() {
        let counts = PlanCounts::default();
        let plan = Plan::parse("[event.declared]").unwrap();
        for number in 0..MOST_NAMES + 50 {
            counts.count(&plan, &format!("made_up_{number}"), "unknown_event");
        }
        counts.count(&plan, "declared", "required");
        let of = |event: &str, code| {
            let labels = PlanLabels { event: event.to_owned(), code };
            counts.violations.get(&labels).map_or(0, |counter| counter.get())
        };
        assert_eq!(of("made_up_0", "unknown_event"), 1);
        assert_eq!(of("other", "unknown_event"), 50);
        assert_eq!(of("declared", "required"), 1);
    }
}
