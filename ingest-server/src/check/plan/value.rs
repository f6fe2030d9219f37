//! Holds properties to what a plan says of them: one pass over the JSON text, without building anything.
//! A text that came this far is JSON of bounded depth; what a plan does not speak of is skipped.

use super::expected::{Expected, Fields, Found, Place};
use footfall_event_model::Rule;
use footfall_event_model::text::cut;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

impl Fields {
    /// Checks the JSON text of an object that stands in the field `root`; a missing one is an empty one.
    pub(super) fn check(&self, json: Option<&str>, root: &'static str, found: &mut Found) {
        if self.all.is_empty() && !self.closed {
            return;
        }
        let place = Place::Root(root);
        let Some(json) = json else { return self.missing(0, &place, found) };
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let seed = Object { fields: self, place: &place, found };
        if let Err(error) = deserializer.deserialize_map(seed) {
            // The text is JSON, so this is a number beyond what can be compared.
            found.tell(&place, Rule::Malformed, format_args!("cannot be read: {error}"));
        }
    }

    fn missing(&self, seen: u128, place: &Place<'_>, found: &mut Found) {
        for (index, field) in self.all.iter().enumerate() {
            if field.required && seen & (1 << index) == 0 {
                let place = Place::Member(place, &field.name);
                let right = field.value.right();
                found.tell(
                    &place,
                    Rule::Required,
                    format_args!("is missing: the tracking plan requires it, {right}"),
                );
            }
        }
    }
}

struct Object<'a> {
    fields: &'a Fields,
    place: &'a Place<'a>,
    found: &'a mut Found,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, place, found } = self;
        let mut seen = 0;
        while let Some(name) = map.next_key_seed(Name(fields))? {
            match name {
                Named::Declared(index) => {
                    let field = &fields.all[index];
                    let place = Place::Member(place, &field.name);
                    // `null` is the same as leaving a field out.
                    if map.next_value_seed(Value { expected: &field.value, place: &place, found })? {
                        seen |= 1 << index;
                    }
                }
                Named::Other(name) => {
                    map.next_value::<IgnoredAny>()?;
                    if let Some(name) = name {
                        let what = format_args!("is not in the tracking plan, which takes no others here");
                        found.tell(&Place::Member(place, &name), Rule::UnknownProperty, what);
                    }
                }
            }
        }
        fields.missing(seen, place, found);
        Ok(())
    }
}

/// A member's name, found among the declared ones.
struct Name<'a>(&'a Fields);

enum Named {
    Declared(usize),
    /// Its name, cut, where that has to be told.
    Other(Option<String>),
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Named, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Named, E> {
        Ok(match self.0.all.binary_search_by(|field| (*field.name).cmp(name)) {
            Ok(index) => Named::Declared(index),
            Err(_) => Named::Other(self.0.closed.then(|| cut(name, 64).to_owned())),
        })
    }
}

/// One value; says whether there is any, which `null` is not.
struct Value<'a> {
    expected: &'a Expected,
    place: &'a Place<'a>,
    found: &'a mut Found,
}

impl Value<'_> {
    fn tell(self, rule: Rule, what: fmt::Arguments<'_>) {
        self.found.tell(self.place, rule, what);
    }

    fn wrong_type(self, is: &str) {
        let right = self.expected.right();
        self.tell(Rule::WrongType, format_args!("is {is}; the tracking plan has {right} there"));
    }

    fn number(self, number: f64, is: &dyn fmt::Display) {
        match *self.expected {
            Expected::Any => {}
            Expected::Number { whole: true, .. } if number.fract() != 0.0 => {
                self.wrong_type(&format!("the number {is}"));
            }
            Expected::Number { least, .. } if number < least => {
                self.tell(
                    Rule::OutOfRange,
                    format_args!("is {is}; the tracking plan has at least {least} there"),
                );
            }
            Expected::Number { most, .. } if number > most => {
                self.tell(
                    Rule::OutOfRange,
                    format_args!("is {is}; the tracking plan has at most {most} there"),
                );
            }
            Expected::Number { .. } => {}
            _ => self.wrong_type(&format!("the number {is}")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        if matches!(self.expected, Expected::Any) {
            return Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<bool, E> {
        if !matches!(self.expected, Expected::Flag) {
            self.wrong_type(if flag { "true" } else { "false" });
        }
        Ok(true)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.number(number as f64, &number);
        Ok(true)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        self.number(number as f64, &number);
        Ok(true)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<bool, E> {
        self.number(number, &number);
        Ok(true)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match self.expected {
            Expected::Text { most_characters } => {
                // No text has more characters than bytes, so most are not counted.
                let most = *most_characters;
                if text.len() > most && text.chars().count() > most {
                    let is = text.chars().count();
                    let what =
                        format_args!("has {is} characters; the tracking plan has at most {most} there");
                    self.tell(Rule::TooLong, what);
                }
            }
            Expected::OneOf(values) if values.iter().any(|value| **value == *text) => {}
            Expected::OneOf(values) => {
                let (text, known) = (cut(text, 64), values.join(", "));
                let what = format_args!("is \"{text}\"; the tracking plan has one of {known} there");
                self.tell(Rule::UnknownValue, what);
            }
            _ => self.wrong_type("a string"),
        }
        Ok(true)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let Expected::List { items, most } = self.expected else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            self.wrong_type("an array");
            return Ok(true);
        };
        let mut count = 0;
        loop {
            let place = Place::Item(self.place, count);
            match seq.next_element_seed(Value { expected: items, place: &place, found: self.found })? {
                None => break,
                Some(false) if **items != Expected::Any => {
                    Value { expected: items, place: &place, found: self.found }.wrong_type("null");
                }
                Some(_) => {}
            }
            count += 1;
        }
        if count > *most {
            let what = format_args!("has {count} items; the tracking plan has at most {most} there");
            self.tell(Rule::TooLarge, what);
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Expected::Object(fields) = self.expected else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.wrong_type("an object");
            return Ok(true);
        };
        Object { fields, place: self.place, found: self.found }.visit_map(map)?;
        Ok(true)
    }
}
