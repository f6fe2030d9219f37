//! The fields of one declared value, such as `min` and `max_length`; each may be missing.
//! Which of them a type has is decided above.

use super::Reader;
use footfall_event_model::limits::EVENT_BYTES;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The fields of one value's table, each of which may be missing.
pub(super) struct Values<'a, 't, 'i> {
    pub(super) reader: &'a mut Reader<'t>,
    pub(super) table: &'a DeTable<'i>,
    pub(super) key: &'a str,
    /// Where the table stands, for what is missing in it.
    pub(super) at: usize,
}

impl Values<'_, '_, '_> {
    pub(super) fn wrong(&mut self, name: &str, message: &str) {
        let at = self.table.get(name).map_or(self.at, |value| value.span().start);
        self.reader.wrong(at, &format!("{}.{name}", self.key), message);
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let Some(value) = self.table.get(name) else { return false };
        self.reader.flag(value.span().start, &format!("{}.{name}", self.key), value.get_ref())
    }

    pub(super) fn refuses(&mut self, name: &str) -> bool {
        let Some(value) = self.table.get(name) else { return false };
        self.reader.refuses(value.span().start, &format!("{}.{name}", self.key), value.get_ref())
    }

    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let number = match self.table.get(name)?.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong(name, "must be a number, such as 0 or 99.5");
        }
        number
    }

    /// A bound; without one an event's own bound holds.
    pub(super) fn count(&mut self, name: &str) -> usize {
        let Some(value) = self.table.get(name) else { return EVENT_BYTES };
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok().filter(|&count| count > 0),
            _ => None,
        };
        number.unwrap_or_else(|| {
            self.wrong(name, "must be a whole number above 0");
            EVENT_BYTES
        })
    }

    pub(super) fn texts(&mut self, name: &str) -> Box<[Box<str>]> {
        let all = match self.table.get(name).map(Spanned::get_ref) {
            Some(DeValue::Array(all)) if !all.is_empty() => {
                all.iter().map(|each| each.get_ref().as_str().map(Box::from)).collect()
            }
            _ => None,
        };
        all.unwrap_or_else(|| {
            self.wrong(name, "must be a list of strings with at least one, such as [\"card\", \"invoice\"]");
            Box::default()
        })
    }
}
