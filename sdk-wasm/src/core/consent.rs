//! What the visitor agreed to, by category. Everything needs the first category; an event of another one needs that
//! as well. What becomes of events when it changes is the tracker's part.

use footfall_event_model::text::joined;

/// What the visitor said to a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// No: nothing of it is kept or sent.
    Denied,
    /// Nothing yet: events are held in memory, and neither kept nor sent.
    Pending,
    /// Yes, or the site did not ask.
    Granted,
}

/// What was said, a byte for each category: `0` denied, `1` pending, else granted.
#[derive(Debug, Default)]
pub(super) struct Consents {
    said: String,
    /// The same for the server, as a JSON object; empty where nobody was asked.
    pub(super) json: String,
}

impl Consents {
    pub(super) fn new(said: &str, json: &str) -> Self {
        Self { said: joined(&[said]), json: joined(&[json]) }
    }

    /// What holds for a category.
    pub(super) fn of(&self, category: usize) -> Consent {
        let said = |category| match self.said.as_bytes().get(category) {
            Some(b'0') => Consent::Denied,
            Some(b'1') => Consent::Pending,
            _ => Consent::Granted,
        };
        said(0).min(said(category))
    }

    pub(super) fn grants(&self, category: usize) -> bool {
        self.of(category) == Consent::Granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_needs_the_first_category_and_its_own() {
        let consents = Consents::new("201", "");
        assert_eq!(
            [0, 1, 2, 3].map(|category| consents.of(category)),
            [Consent::Granted, Consent::Denied, Consent::Pending, Consent::Granted,]
        );
        assert_eq!(Consents::new("12", "").of(1), Consent::Pending);
        assert!(!Consents::new("02", "").grants(1));
        assert!(Consents::default().grants(0));
    }
}
