//! A text that is known to be a JSON value, as `serde_json` carries one.
//! By the public ways it would be looked at once more, byte by byte; it is given here as its own reader gives it.

use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text as a value; it must be JSON without white space around it.
pub(super) fn raw(text: &str) -> Option<&RawValue> {
    Deserialize::deserialize(Known(text)).ok()
}

struct Known<'a>(&'a str);

impl<'de> Deserializer<'de> for Known<'de> {
    type Error = Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Carried { name: Some(name), text: self.0 })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only a text as it stands is given here"))
    }

    serde::forward_to_deserialize_any! {
        bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 char str string seq bytes byte_buf map struct option unit
        ignored_any unit_struct tuple_struct tuple enum identifier
    }
}

/// An object of one member, whose name is the type's own.
struct Carried<'a> {
    name: Option<&'static str>,
    text: &'a str,
}

impl<'a> MapAccess<'a> for Carried<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.name.take().map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(BorrowedStrDeserializer::new(self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_carried_as_it_stands_and_where_it_stands() {
        for text in ["{}", r#"{"a": [1, "\u00e9"]}"#, "5"] {
            let carried = raw(text).unwrap();
            assert_eq!(carried.get().as_bytes().as_ptr_range(), text.as_bytes().as_ptr_range());
            assert_eq!(serde_json::to_string(carried).unwrap(), text);
        }
    }
}
