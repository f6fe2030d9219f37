//! What is refused when too much is in flight: background events first, ordinary ones next, key events last.
//! It is judged before a body is read, by the priority that the request names, so that a refusal costs no memory.

use crate::refusal::Refused;
use crate::settings::LimitSettings;
use footfall_delivery::Priority;

/// Bytes in flight, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct InFlight {
    /// Bytes of bodies that are being read and judged.
    pub bodies: usize,
    /// Their bound.
    pub max_bodies: usize,
    /// Bytes of records that are not durable yet.
    pub records: usize,
    /// Their bound.
    pub max_records: usize,
}

impl InFlight {
    /// The load in percent: of the bodies alone, or of the records together with the bodies that will become records,
    /// whichever is nearer to its bound.
    pub fn percent(&self) -> usize {
        let of = |bytes: usize, max: usize| bytes.saturating_mul(100) / max.max(1);
        of(self.bodies, self.max_bodies).max(of(self.records.saturating_add(self.bodies), self.max_records))
    }
}

/// From which load on events of a priority are refused.
#[derive(Debug, Clone, Copy)]
pub struct Shedding {
    background: usize,
    normal: usize,
}

impl Shedding {
    /// The thresholds of the settings; that of key events is the bound itself.
    pub fn new(settings: &LimitSettings) -> Self {
        Self { background: settings.shed_background.into(), normal: settings.shed_normal.into() }
    }

    /// Lets a batch of that priority through, or refuses it.
    ///
    /// # Errors
    /// [`Refused::Shed`].
    pub fn admit(&self, in_flight: &InFlight, priority: Priority) -> Result<(), Refused> {
        let threshold = match priority {
            Priority::Background => self.background,
            Priority::Normal => self.normal,
            Priority::Key => 100,
        };
        if in_flight.percent() < threshold { Ok(()) } else { Err(Refused::Shed(priority)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHEDDING: Shedding = Shedding { background: 50, normal: 80 };

    fn passes(in_flight: &InFlight) -> [bool; 3] {
        [Priority::Background, Priority::Normal, Priority::Key]
            .map(|priority| SHEDDING.admit(in_flight, priority).is_ok())
    }

    #[test]
    fn each_priority_has_its_threshold_whichever_bound_is_near() {
        for (percent, expected) in [
            (0, [true, true, true]),
            (49, [true, true, true]),
            (50, [false, true, true]),
            (79, [false, true, true]),
            (80, [false, false, true]),
            (99, [false, false, true]),
            (100, [false, false, false]),
        ] {
            let by_bodies = InFlight { bodies: percent, max_bodies: 100, records: 0, max_records: 1_000_000 };
            let by_records =
                InFlight { bodies: 0, max_bodies: 1, records: percent * 1000, max_records: 100_000 };
            assert_eq!(passes(&by_bodies), expected, "{percent}");
            assert_eq!(passes(&by_records), expected, "{percent}");
        }
        let both = InFlight { bodies: 30, max_bodies: 100, records: 50, max_records: 100 };
        assert_eq!(passes(&both), [false, false, true], "bodies become records");
    }

    proptest! {
        #[test]
        fn what_matters_more_is_never_refused_before_what_matters_less(
            bodies: usize, max_bodies: usize, records: usize, max_records: usize,
        ) {
            let [background, normal, key] = passes(&InFlight { bodies, max_bodies, records, max_records });
            prop_assert!(background <= normal && normal <= key);
        }
    }
}
