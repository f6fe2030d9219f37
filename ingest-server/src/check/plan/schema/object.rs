//! The members of one JSON object as raw text that still stands in its file, so that each has a place there.
//! What the members mean is decided above.

use super::{Reader, words};
use footfall_event_model::text::cut;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Bytes of a name that a key tells.
const NAME_BYTES: usize = 64;

/// One object and where it stands.
pub(super) struct Object<'t> {
    pub(super) raw: &'t RawValue,
    /// Its JSON Pointer, as it stands behind `#` in a `$ref`.
    pub(super) at: String,
    pub(super) members: BTreeMap<String, &'t RawValue>,
}

impl<'t> Object<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&'t RawValue> {
        self.members.get(name).copied()
    }

    /// The JSON Pointer of a member (RFC 6901), cut, and with nothing in it that a terminal would obey.
    pub(super) fn key(&self, name: &str) -> String {
        let short = cut(name, NAME_BYTES).replace('~', "~0").replace('/', "~1");
        let shown: String = short.chars().flat_map(shown).collect();
        format!("{}/{shown}", self.at)
    }
}

fn shown(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let itself = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(itself)
}

impl<'t> Reader<'t> {
    /// Reads an object; `right` says what must stand there.
    pub(super) fn object(&mut self, raw: &'t RawValue, at: &str, right: &str) -> Option<Object<'t>> {
        if !raw.get().starts_with('{') {
            self.wrong(raw, at, format!("must be {right}"));
            return None;
        }
        match serde_json::from_str(raw.get()) {
            Ok(Members { first, again }) => {
                let object = Object { raw, at: at.to_owned(), members: first };
                for (name, value) in again {
                    self.wrong(value, &object.key(&name), "stands here a second time: keep one");
                }
                Some(object)
            }
            // The brackets are right, since the whole file was read before: what is left are names.
            Err(error) => {
                self.wrong(raw, at, format!("has a name that is no text: {}", words(&error)));
                None
            }
        }
    }
}

/// The names of an object's members; `None` where it is none.
pub(super) fn names(raw: &RawValue) -> Option<BTreeSet<String>> {
    let read: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    Some(read.into_keys().collect())
}

/// What stands in an object, and what stands there again: which of two is meant, readers of JSON do not agree on.
struct Members<'t> {
    first: BTreeMap<String, &'t RawValue>,
    again: Vec<(String, &'t RawValue)>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members { first: BTreeMap::new(), again: Vec::new() };
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match members.first.entry(name) {
                        Entry::Occupied(first) => members.again.push((first.key().clone(), value)),
                        Entry::Vacant(place) => _ = place.insert(value),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}
