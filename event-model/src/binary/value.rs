//! Reads the JSON text of a record, or of a part of it, into values by the table of its fields.
//! Texts are borrowed where they hold no escapes; what the table does not know is left out.

use super::NoRecord;
use super::shape::{Field, Kind, Message};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The value of one field.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Missing,
    Text(Cow<'a, str>),
    Int(i64),
    UInt(u64),
    Double(f64),
    Bool(bool),
    Map(Vec<(Text<'a>, Text<'a>)>),
    /// In the order of the message's fields.
    Message(Vec<Value<'a>>),
}

impl Value<'_> {
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// A text that is borrowed where it can be.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The values of one JSON object, in the order of the message's fields.
///
/// # Errors
/// [`NoRecord`] where the text is no such object.
pub(super) fn read<'a>(message: &'static Message, json: &'a [u8]) -> Result<Vec<Value<'a>>, NoRecord> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let values = Fields(message).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(values)
}

/// Reads an object as that message.
#[derive(Clone, Copy)]
struct Fields(&'static Message);

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Vec<Value<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let fields = self.0.fields;
        let mut values = vec![Value::Missing; fields.len()];
        let mut next = 0;
        while let Some(Text(name)) = map.next_key()? {
            // They come in the table's order, unless an older server wrote them.
            let is_named = |field: &Field| field.name == name;
            let place = fields[next..].iter().position(is_named).map(|place| next + place);
            match place.or_else(|| fields.iter().position(is_named)) {
                Some(place) => {
                    values[place] = map.next_value_seed(Of(fields[place].kind))?;
                    next = place + 1;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// Reads one value, or `null`.
struct Of(Kind);

impl<'de> DeserializeSeed<'de> for Of {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        let value = match self.0 {
            Kind::Text => Option::<Text<'de>>::deserialize(deserializer)?.map(|Text(text)| Value::Text(text)),
            Kind::Int | Kind::Time => Option::deserialize(deserializer)?.map(Value::Int),
            Kind::UInt => Option::deserialize(deserializer)?.map(Value::UInt),
            // The text is read by the standard library, to the nearest number; serde_json may miss it by one.
            Kind::Double => Option::<&'de RawValue>::deserialize(deserializer)?
                .map(|text| text.get().parse().map(Value::Double).map_err(D::Error::custom))
                .transpose()?,
            Kind::Bool => Option::deserialize(deserializer)?.map(Value::Bool),
            Kind::Json => Option::<&'de RawValue>::deserialize(deserializer)?
                .map(|text| Value::Text(Cow::Borrowed(text.get()))),
            Kind::Map => deserializer.deserialize_option(Maybe(Pairs))?.map(Value::Map),
            Kind::Message(message) => {
                deserializer.deserialize_option(Maybe(Fields(message)))?.map(Value::Message)
            }
        };
        Ok(value.unwrap_or(Value::Missing))
    }
}

/// What `S` reads, or `null`.
struct Maybe<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Maybe<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// Reads an object of texts, in its order.
struct Pairs;

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = Vec<(Text<'de>, Text<'de>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(Text<'de>, Text<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
